//! The twelve merchants of the demo. Each rule shows something that a rule can do.

use amvaj_domain::{
    calendar::{Calendar, ExpiryPolicy, PeriodUnit, Term},
    ledger::Prices,
};

use super::{Good, MerchantPlan, RulePlan};

const USUAL: MerchantPlan = MerchantPlan {
    fa: "",
    en: "",
    prices: Prices { issue: 110, redeem: 100 },
    branches: &[],
    goods: &[],
    lines: (1, 3),
    units: (1, 1),
    weekdays: [100, 100, 100, 100, 110, 140, 50],
    hours: (9, 22),
    popularity: 10,
    returns_per_mille: 0,
    holds_per_mille: 10,
    rules: &[],
};

/// One point, worth 100 rials, for every 10,000: one per cent back, for a year.
const RULE: RulePlan = RulePlan {
    from_day: 0,
    rials_per_point: 10_000,
    minimum_basket: 0,
    cap_per_purchase: None,
    cap_per_day: None,
    excluded: &[],
    pending_days: 0,
    expiry: ExpiryPolicy::After(Term::Months(12)),
    spend_only_at_issuer: false,
};

const fn good(code: &'static str, category: &'static str, low: i64, high: i64) -> Good {
    Good { code, category, price: (low, high) }
}

/// The merchants, in the order of their registration.
pub static MERCHANTS: [MerchantPlan; 12] = [
    MerchantPlan {
        fa: "هایپرمارکت سحر",
        en: "Sahar Hypermarket",
        branches: &[
            ("ونک", "Vanak"),
            ("تجریش", "Tajrish"),
            ("اکباتان", "Ekbatan"),
            ("کرج", "Karaj"),
            ("فروشگاه اینترنتی", "Online"),
        ],
        goods: &[
            good("RICE-5KG", "grocery", 4_500, 7_500),
            good("TEA-500", "grocery", 1_800, 3_200),
            good("OIL-1L", "grocery", 900, 1_600),
            good("CHEESE", "dairy", 650, 1_400),
            good("YOGHURT", "dairy", 350, 700),
            good("CHICKEN", "meat", 1_500, 3_600),
            good("DETERGENT", "household", 1_200, 2_800),
            good("CIGARETTES", "tobacco", 600, 1_500),
            good("GIFT-CARD", "gift-card", 5_000, 10_000),
        ],
        lines: (2, 6),
        units: (1, 4),
        popularity: 40,
        returns_per_mille: 25,
        rules: &[RulePlan {
            cap_per_purchase: Some(5_000),
            excluded: &["tobacco", "gift-card"],
            minimum_basket: 1_000_000,
            ..RULE
        }],
        ..USUAL
    },
    MerchantPlan {
        fa: "نان و نمک",
        en: "Bread & Salt Bakery",
        branches: &[("یوسف‌آباد", "Yousefabad"), ("گیشا", "Gisha"), ("سعادت‌آباد", "Saadatabad")],
        goods: &[
            good("BARBARI", "bread", 150, 300),
            good("SANGAK", "bread", 200, 400),
            good("CAKE", "pastry", 1_200, 4_500),
            good("ROLL", "pastry", 300, 900),
        ],
        units: (1, 5),
        weekdays: [100, 100, 100, 100, 110, 150, 160],
        hours: (6, 21),
        popularity: 30,
        rules: &[RulePlan { rials_per_point: 5_000, cap_per_day: Some(1_000), ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "کافه برف",
        en: "Barf Café",
        branches: &[("ایرانشهر", "Iranshahr"), ("دربند", "Darband"), ("شیراز", "Shiraz")],
        goods: &[
            good("ESPRESSO", "drink", 450, 700),
            good("LATTE", "drink", 700, 1_100),
            good("HERBAL-TEA", "drink", 500, 900),
            good("CHEESECAKE", "food", 1_100, 1_700),
            good("BREAKFAST", "food", 1_900, 3_400),
            good("TIP", "tip", 100, 500),
        ],
        units: (1, 2),
        weekdays: [80, 80, 90, 100, 130, 180, 200],
        hours: (8, 24),
        popularity: 28,
        holds_per_mille: 0,
        rules: &[RulePlan { rials_per_point: 5_000, excluded: &["tip"], cap_per_day: Some(1_500), ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "کتاب روشن",
        en: "Roshan Books",
        branches: &[("انقلاب", "Enghelab"), ("کریم‌خان", "Karimkhan"), ("فروشگاه اینترنتی", "Online")],
        goods: &[
            good("NOVEL", "book", 1_200, 3_800),
            good("POETRY", "book", 900, 2_600),
            good("CHILDREN", "book", 600, 1_800),
            good("TEXTBOOK", "textbook", 1_500, 4_500),
            good("NOTEBOOK", "stationery", 300, 1_200),
        ],
        popularity: 14,
        returns_per_mille: 40,
        holds_per_mille: 60,
        rules: &[
            RulePlan { rials_per_point: 8_000, excluded: &["textbook"], ..RULE },
            RulePlan { from_day: 180, rials_per_point: 6_000, excluded: &["textbook"], ..RULE },
        ],
        ..USUAL
    },
    MerchantPlan {
        fa: "داروخانه مهر",
        en: "Mehr Pharmacy",
        branches: &[("فاطمی", "Fatemi"), ("نارمک", "Narmak"), ("اصفهان", "Isfahan"), ("تبریز", "Tabriz")],
        goods: &[
            good("PRESCRIPTION", "prescription", 400, 6_000),
            good("VITAMIN-C", "supplement", 1_500, 3_500),
            good("OMEGA-3", "supplement", 4_000, 9_000),
            good("SUNSCREEN", "cosmetics", 3_000, 8_500),
            good("TOOTHPASTE", "hygiene", 500, 1_500),
        ],
        weekdays: [100, 100, 100, 100, 100, 100, 60],
        hours: (8, 24),
        popularity: 20,
        rules: &[RulePlan { excluded: &["prescription"], ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "پوشاک ترمه",
        en: "Termeh Clothing",
        branches: &[
            ("پاساژ پالادیوم", "Palladium Mall"),
            ("مشهد", "Mashhad"),
            ("رشت", "Rasht"),
            ("فروشگاه اینترنتی", "Online"),
        ],
        goods: &[
            good("MANTEAU", "women", 12_000, 45_000),
            good("SCARF", "women", 3_000, 12_000),
            good("SHIRT", "men", 8_000, 22_000),
            good("JEANS", "men", 14_000, 32_000),
            good("CHILD-SET", "children", 7_000, 18_000),
        ],
        hours: (10, 22),
        popularity: 16,
        returns_per_mille: 160,
        holds_per_mille: 80,
        rules: &[RulePlan { rials_per_point: 20_000, pending_days: 14, ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "رایان دیجیتال",
        en: "Rayan Digital",
        prices: Prices { issue: 105, redeem: 100 },
        branches: &[("بازار رضا", "Reza Bazaar"), ("فروشگاه اینترنتی", "Online")],
        goods: &[
            good("PHONE", "phone", 90_000, 650_000),
            good("HEADPHONES", "accessory", 12_000, 85_000),
            good("CABLE", "accessory", 1_500, 6_000),
            good("LAPTOP", "computer", 350_000, 1_200_000),
            good("SIM-TOPUP", "top-up", 500, 5_000),
        ],
        lines: (1, 2),
        hours: (10, 21),
        popularity: 9,
        returns_per_mille: 70,
        holds_per_mille: 120,
        rules: &[RulePlan {
            rials_per_point: 50_000,
            cap_per_purchase: Some(10_000),
            excluded: &["top-up"],
            ..RULE
        }],
        ..USUAL
    },
    MerchantPlan {
        fa: "رستوران زعفران",
        en: "Zaferan Restaurant",
        branches: &[("فرمانیه", "Farmanieh"), ("مشهد", "Mashhad"), ("کیش", "Kish")],
        goods: &[
            good("CHELO-KABAB", "food", 4_500, 9_500),
            good("GHORMEH-SABZI", "food", 3_500, 6_000),
            good("FESENJAN", "food", 4_000, 7_500),
            good("DOOGH", "drink", 400, 800),
            good("SERVICE", "service", 500, 2_500),
        ],
        lines: (2, 4),
        units: (1, 4),
        weekdays: [60, 70, 70, 80, 110, 170, 200],
        hours: (12, 24),
        popularity: 16,
        holds_per_mille: 0,
        rules: &[RulePlan { minimum_basket: 2_000_000, excluded: &["service"], ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "ورزش جوانه",
        en: "Javaneh Sports",
        branches: &[("منیریه", "Moniriyeh"), ("تبریز", "Tabriz")],
        goods: &[
            good("RUNNING-SHOES", "shoes", 15_000, 60_000),
            good("BALL", "equipment", 4_000, 14_000),
            good("YOGA-MAT", "equipment", 5_000, 15_000),
            good("TRACKSUIT", "clothing", 12_000, 35_000),
        ],
        lines: (1, 2),
        popularity: 8,
        returns_per_mille: 90,
        rules: &[RulePlan { rials_per_point: 15_000, minimum_basket: 5_000_000, ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "جایگاه سوخت مهتاب",
        en: "Mahtab Fuel",
        prices: Prices { issue: 100, redeem: 95 },
        branches: &[
            ("اتوبان قم", "Qom Motorway"),
            ("جاده چالوس", "Chalus Road"),
            ("بندرعباس", "Bandar Abbas"),
        ],
        goods: &[
            good("PETROL", "fuel", 15, 30),
            good("ENGINE-OIL", "service", 4_000, 12_000),
            good("CAR-WASH", "service", 1_000, 3_000),
        ],
        lines: (1, 2),
        units: (1, 45),
        weekdays: [100, 90, 90, 100, 130, 160, 120],
        hours: (5, 24),
        popularity: 24,
        rules: &[RulePlan { rials_per_point: 25_000, cap_per_purchase: Some(3_000), ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "گل یاس",
        en: "Jasmine Beauty",
        branches: &[("زعفرانیه", "Zaferanieh"), ("ارومیه", "Urmia")],
        goods: &[
            good("PERFUME", "perfume", 15_000, 90_000),
            good("LIPSTICK", "make-up", 2_500, 9_000),
            good("CREAM", "care", 3_500, 14_000),
        ],
        popularity: 10,
        returns_per_mille: 30,
        rules: &[RulePlan { rials_per_point: 7_000, spend_only_at_issuer: true, ..RULE }],
        ..USUAL
    },
    MerchantPlan {
        fa: "سفر پرواز",
        en: "Parvaz Travel",
        prices: Prices { issue: 105, redeem: 100 },
        branches: &[("میدان آرژانتین", "Argentina Square"), ("فروشگاه اینترنتی", "Online")],
        goods: &[
            good("FLIGHT", "ticket", 45_000, 180_000),
            good("TRAIN", "ticket", 8_000, 30_000),
            good("HOTEL-NIGHT", "hotel", 30_000, 150_000),
            good("INSURANCE", "insurance", 2_000, 9_000),
        ],
        lines: (1, 2),
        units: (1, 3),
        weekdays: [120, 110, 100, 100, 100, 60, 30],
        popularity: 6,
        returns_per_mille: 110,
        holds_per_mille: 200,
        rules: &[RulePlan {
            rials_per_point: 40_000,
            excluded: &["insurance"],
            // To the end of the Jalali month that comes three months later.
            expiry: ExpiryPolicy::EndOf {
                calendar: Calendar::Jalali,
                unit: PeriodUnit::Month,
                after: Term::Months(3),
            },
            ..RULE
        }],
        ..USUAL
    },
];
