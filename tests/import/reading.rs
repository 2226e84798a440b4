//! What a file is read as: pure, and all of a dry run.

use amvaj_api::import::{Event, ImportError, Malformed, Map, Plan, Purchase, Reason, dry_run};

use super::{HEADER, MAP, left_out, map, planned, read};

fn purchases(plan: &Plan) -> Vec<&Purchase> {
    plan.events
        .iter()
        .filter_map(|event| match event {
            Event::Purchase(purchase) => Some(purchase),
            Event::Refund(_) => None,
        })
        .collect()
}

/// A receipt, lines with units, and the cancellation that takes them back.
type TakenBack<'p> = (&'p str, Vec<(i32, i64)>, &'p str);

/// The refunds, in the order of events.
fn refunds(plan: &Plan) -> Vec<TakenBack<'_>> {
    plan.events
        .iter()
        .filter_map(|event| match event {
            Event::Refund(refund) => {
                Some((refund.receipt.as_str(), refund.lines(), refund.cancellation.as_str()))
            }
            Event::Purchase(_) => None,
        })
        .collect()
}

/// What the detail of the only line that is left out says.
fn detail(lines: &str) -> String {
    let plan = planned(lines);
    let [only] = plan.skipped.as_slice() else { panic!("{:?}", plan.skipped) };
    only.reason.detail().into_owned()
}

#[test]
fn every_line_that_is_left_out_has_its_number_and_a_reason() {
    let plan = planned(
        "7,1,10A,2,1.50,2024-01-01 10:00\n\
         ,1,10A,2,1.50,2024-01-01 10:00\n\
         7,1,10B,1,0,2024-01-01 10:00\n\
         7,1,10B,1,-5,2024-01-01 10:00\n\
         7,1,10B,-1,1,2024-01-01 10:00\n\
         7,1,99Z,1,1,2024-01-01 10:00\n\
         8,1,10B,1,1,2024-01-01 10:00\n\
         7,C2,10B,-1,1,2024-01-01 11:00\n\
         7,C2,10A,-1,1.50,2024-01-01 11:00\n\
         seven days,1,10A,many,1,2024-01-01 11:00\n",
    );
    assert_eq!(
        left_out(&plan.skipped),
        [
            (3, "no_customer", Some(2)),
            (4, "zero_price", Some(1)),
            (5, "negative_price", Some(1)),
            (6, "negative_quantity", Some(-1)),
            (7, "no_merchant", Some(1)),
            (8, "other_customer", Some(1)),
            (9, "unmatched_cancellation", Some(-1)),
            (11, "malformed", None),
        ]
    );
    let report = dry_run(&map(MAP), &plan).unwrap();
    assert_eq!((report.lines.read, report.lines.earned, report.lines.refunded), (10, 1, 1));
    assert_eq!(report.lines.skipped_in_all(), 8);
    assert_eq!(report.lines.skipped.len(), 8, "{:?}", report.lines.skipped);
    assert!(report.dry_run);
}

#[test]
fn malformed_lines_are_named_and_do_not_stop_the_others() {
    let lines = [
        &b"7,1,10,1,1,2024-01-01 10:00"[..],
        b"7,1,10,1,1",
        b"7,1,10,1,1,2024-01-01 10:00,more",
        b"7,1,\"10,1,1,2024-01-01 10:00",
        b"7,1,1\xFF,1,1,2024-01-01 10:00",
        b"7,1,10,1.5,1,2024-01-01 10:00",
        b"7,1,10,0,1,2024-01-01 10:00",
        b"7,1,10,1,one,2024-01-01 10:00",
        b"7,1,10,1,1,01/01/2024",
        b"7,,10,1,1,2024-01-01 10:00",
        b"7,1,,1,1,2024-01-01 10:00",
        b"7,1,10,1,99999999999999999,2024-01-01 10:00",
        b"",
        b"7,2,10,1,1,2024-01-01 10:00",
    ];
    let file = [HEADER.as_bytes(), &lines.join(&b"\r\n"[..])].concat();
    let plan = read(MAP, &file).unwrap();
    assert_eq!(plan.read, 13);
    let named: Vec<u64> = plan.skipped.iter().map(|skipped| skipped.line).collect();
    assert_eq!(named, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    assert_eq!(plan.malformed(), 11);
    let reasons: Vec<&Reason> = plan.skipped.iter().map(|skipped| &skipped.reason).collect();
    assert_eq!(*reasons[0], Reason::Malformed(Malformed::CellCount { found: 5, expected: 6 }));
    assert_eq!(*reasons[2], Reason::Malformed(Malformed::UnclosedQuote));
    assert_eq!(*reasons[3], Reason::Malformed(Malformed::NotUtf8 { column: "product".to_owned() }));
    assert_eq!(purchases(&plan).len(), 2);
    dry_run(&map(MAP), &plan).unwrap();
}

#[test]
fn what_is_wrong_with_a_cell_is_said_without_letting_it_act() {
    let said = detail("7,1,10,\u{1b}[2J=cmd(),1,2024-01-01 10:00\n");
    assert!(said.contains("\"quantity\""), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    let said = detail("7,1,10,1,1,yesterday\n");
    assert!(said.contains("\"time\" holds \"yesterday\""), "{said}");
}

#[test]
fn a_file_without_the_columns_of_the_map_is_refused_with_those_it_has() {
    assert!(matches!(read(MAP, b""), Err(ImportError::Empty)));
    assert!(matches!(read(MAP, b"\n\n"), Err(ImportError::Empty)));
    assert!(matches!(read(MAP, b"customer,re\xFFceipt\n"), Err(ImportError::HeaderNotUtf8)));
    let said = read(MAP, b"customer,receipt,product,amount,price,time\n").unwrap_err().to_string();
    assert!(said.contains("\"quantity\"") && said.contains("\"amount\""), "{said}");
    let said = read(MAP, b"customer,receipt,product,quantity,price,time,time\n").unwrap_err().to_string();
    assert!(said.contains("does not have once: \"time\""), "{said}");
    assert_eq!(read(MAP, HEADER.as_bytes()).unwrap().read, 0);
}

#[test]
fn an_invoice_over_several_merchants_becomes_a_purchase_at_each() {
    let plan = planned(
        "7,1,10A,2,1.25,2024-01-01 10:01\n\
         7,1,20A,1,0.99,2024-01-01 10:00\n\
         7,1,10A,1,1.25,2024-01-01 10:01\n",
    );
    let found = purchases(&plan);
    let numbers: Vec<(i64, Vec<i32>)> = found
        .iter()
        .map(|purchase| {
            let lines = purchase.basket.lines().iter().map(|line| line.line_no).collect();
            (purchase.basket.total().minor_units(), lines)
        })
        .collect();
    assert_eq!(numbers, [(99, vec![2]), (375, vec![1, 3])], "a product twice in an invoice is two lines");
}

#[test]
fn a_cancellation_takes_the_newest_earlier_purchase_with_units_left() {
    let plan = planned(
        "7,1,10A,5,1,2024-01-01 10:00\n\
         7,2,10A,3,1,2024-01-02 10:00\n\
         7,9,10A,9,1,2024-01-09 10:00\n\
         8,3,10A,9,1,2024-01-02 11:00\n\
         7,C4,10A,-2,1,2024-01-03 10:00\n\
         7,C5,10A,-4,1,2024-01-04 10:00\n\
         7,C6,10A,-9,1,2024-01-05 10:00\n\
         7,C7,10A,-1,1,2024-01-06 10:00\n\
         7,C8,10A,-1,1,2023-12-31 10:00\n",
    );
    assert_eq!(
        refunds(&plan),
        [
            ("2", vec![(1, 2)], "C4"),
            ("1", vec![(1, 3)], "C5"),
            ("2", vec![(1, 1)], "C5"),
            ("1", vec![(1, 2)], "C6"),
        ]
    );
    assert_eq!(left_out(&plan.rests), [(8, "unmatched_cancellation", Some(-7))]);
    assert_eq!(
        left_out(&plan.skipped),
        [(9, "unmatched_cancellation", Some(-1)), (10, "unmatched_cancellation", Some(-1))]
    );
    let report = dry_run(&map(MAP), &plan).unwrap();
    let units = report.cancelled_units;
    assert_eq!((units.read, units.refunded, units.unmatched), (17, 8, 9));
}

#[test]
fn lines_of_one_cancellation_on_one_purchase_are_one_refund() {
    let plan = planned(
        "7,1,10A,5,1,2024-01-01 10:00\n\
         7,1,10B,5,1,2024-01-01 10:00\n\
         7,1,20A,5,1,2024-01-01 10:00\n\
         7,C1,10A,-1,1,2024-01-01 10:00\n\
         7,C1,10A,-2,1,2024-01-01 10:00\n\
         7,C1,10B,-1,1,2024-01-01 10:00\n\
         7,C1,20A,-1,1,2024-01-01 10:00\n",
    );
    assert_eq!(refunds(&plan), [("1", vec![(1, 3), (2, 1)], "C1"), ("1", vec![(3, 1)], "C1")]);
    assert!(plan.skipped.is_empty());
}

#[test]
fn a_file_of_another_make_is_read_by_its_map_alone() {
    let text = r#"
        name = "bazaar"
        delimiter = ";"
        columns = { member = "موبایل", receipt = "فاکتور", line = "ردیف", product = "کالا", category = "گروه", quantity = "تعداد", price = "قیمت", currency = "ارز", time = "زمان", branch = "شعبه" }
        price = { decimals = 0, decimal_mark = "/", group_mark = "," }
        time = { format = "%d.%m.%Y %H:%M:%S", zone = "Asia/Tehran" }
        cancellation = { negative_quantity = true }
        members = { reference = "mobile", name = "مشتری {}" }
        [[merchants]]
        code = "bazaar"
        currency = "IRR"
        names = { fa = "بازار", en = "Bazaar" }
        rule = { points = 1, per = 10000, excluded_categories = ["هدیه"] }
    "#;
    let file = "\u{FEFF}زمان;شعبه;ارز;قیمت;تعداد;گروه;کالا;ردیف;فاکتور;موبایل\r\n\
        ۰۱.۰۲.۲۰۲۴ ۱۰:۰۰:۰۰;تهران;IRR;\"۱,۲۵۰,۰۰۰/۵\";۳;خوراک;نان;۱;ف-۱;۰۹۱۲ ۳۴۵ ۶۷۸۹\r\n\
        01.02.2024 10:00:00;تهران;IRR;5;1;هدیه;کارت;2;ف-1;+989123456789\r\n\
        01.02.2024 10:00:00;تهران;IRR;5;1;هدیه;کارت;2;ف-1;+989123456789\r\n\
        01.02.2024 10:00:00;تهران;GBP;5;1;;کارت;3;ف-1;+989123456789\r\n\
        02.02.2024 10:00:00;تهران;IRR;5;-1;;نان;1;ف-2;09123456789\r\n\
        02.02.2024 10:00:00;تهران;IRR;5;1;;نان;1;ف-3;123\r\n\
        02.02.2024 10:00:00;تهران;IRR;5;1;;نان;one;ف-3;09123456789\r\n";
    let plan = read(text, file.as_bytes()).unwrap();
    let found = purchases(&plan);
    let [purchase] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(purchase.receipt.as_str(), "ف-1");
    assert_eq!(purchase.member.as_str(), "+989123456789");
    assert_eq!(purchase.branch.as_ref().map(ToString::to_string).as_deref(), Some("تهران"));
    assert_eq!(purchase.basket.total().minor_units(), 3_750_002 + 5);
    assert_eq!(purchase.basket.lines()[1].category.as_deref(), Some("هدیه"));
    assert_eq!(refunds(&plan), [("ف-1", vec![(1, 1)], "ف-2")]);
    assert_eq!(
        left_out(&plan.skipped),
        [
            (4, "repeated_line", Some(1)),
            (5, "other_currency", Some(1)),
            (7, "malformed", Some(1)),
            (8, "malformed", None)
        ]
    );
}

#[test]
fn a_purchase_beyond_the_limits_of_one_is_left_out_as_a_whole() {
    let mut lines: String = (0..2_001).map(|_| "7,1,10,1,1,2024-01-01 10:00\n").collect();
    lines.push_str("7,2,10,1,1,2024-01-01 10:00\n");
    let plan = planned(&lines);
    let report = dry_run(&map(MAP), &plan).unwrap();
    assert_eq!(report.lines.skipped.get("oversized_purchase"), Some(&2_001));
    assert_eq!(report.lines.earned, 1);
}

#[test]
fn everything_that_is_wrong_with_a_map_is_said_at_once() {
    let wrong = MAP
        .replace("zone = \"Asia/Tehran\"", "zone = \"Asia/Atlantis\"")
        .replace("decimals = 2", "decimals = 20")
        .replace("placeholder_mobile = \"0995\"", "placeholder_mobile = \"021\"")
        .replace("products = [\"20\"]", "products = [\"15-20\", \"x\"]")
        .replace("after P1D", "some day")
        .replace("per = 5", "per = 0");
    let problems = Map::parse(&wrong).unwrap_err().problems;
    for place in ["zone", "decimals", "placeholder_mobile", "\"x\"", "bakery.rule.expiry", "books.rule"] {
        assert!(problems.iter().any(|problem| problem.contains(place)), "{place}: {problems:?}");
    }
    let overlapping = MAP.replace("products = [\"20\"]", "products = [\"15-20\"]");
    let problems = Map::parse(&overlapping).unwrap_err().problems;
    assert_eq!(problems, ["merchants: \"bakery\" and \"books\" have products in common"]);
    let misspelt = Map::parse(&MAP.replace("delimiter", "").replace("name = \"small\"", "nam = \"small\""));
    assert!(misspelt.unwrap_err().to_string().contains("nam"));
}

#[test]
fn the_map_of_the_online_retail_file_is_valid() {
    let map = map(include_str!("online_retail.toml"));
    assert_eq!(map.merchants.len(), 6);
    for (product, code) in
        [("22423", "home"), ("85123A", "textile"), ("POST", "emporium"), ("09999", "emporium")]
    {
        assert_eq!(map.merchant_of(product).map(|merchant| merchant.code.as_str()), Some(code), "{product}");
    }
}
