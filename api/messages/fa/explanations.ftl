### چرا نتیجهٔ یک عملیات چنین شد.

## تکه‌های جمله

at-place = { $scope ->
    [merchant] {" "}در { $merchant }
    [branch] {" "}در { $merchant }، { $branch }
   *[nowhere] {""}
}
some-points = { $points } امتیاز
list-separator = ،{" "}
money-in-rials = { $amount } ریال
money-in-tomans = { $amount } تومان
money-of-currency = { $amount } واحد خرد { $currency }

## امتیاز گرفتن. هر گام از حساب رو به پایین گرد می‌شود.

explained-earn = { some-points }{ at-place } با نسخهٔ { $version } قاعدهٔ امتیازدهی داده شد: از سبد { $basket }، مبلغ { $earning } مشمول امتیاز است و با { $rate } امتیاز به ازای هر { $per }، پس از گرد کردن رو به پایین، { $uncapped } امتیاز می‌شود.
explained-earn-capped = { explained-earn } با اعمال سقف، { $points } امتیاز ماند.
explained-earn-below-minimum = { some-points }{ at-place } با نسخهٔ { $version } قاعدهٔ امتیازدهی داده شد: سبد { $basket } از حداقل { $minimum } کمتر است.
explained-earn-plain = { some-points }{ at-place } داده شد.

## عملیات دیگر

explained-hold = { some-points }{ at-place } رزرو شد.
explained-capture = { $points } امتیاز از امتیازهای رزروشده{ at-place } پرداخت شد؛ باقی‌مانده دوباره آزاد است.
explained-release = امتیازهای رزروشده{ at-place } دوباره آزاد شد: { $points }.
explained-redeem = { some-points }{ at-place } پرداخت شد.
explained-refund = مبلغ { $money } از خرید{ at-place } برگشت داده شد: آنچه مانده است، طبق قاعدهٔ زمان فروش، { some-points } کمتر می‌گیرد.
explained-block = گردانندهٔ باشگاه کیف امتیاز را مسدود کرد.
explained-unblock = گردانندهٔ باشگاه کیف امتیاز را دوباره باز کرد.
explained-activation = امتیازهای در انتظار اکنون قابل خرج است: { $points }.
explained-hold-end = مهلت یک رزرو{ at-place } تمام شد و امتیازهایش دوباره آزاد است: { $points }.
explained-expiry = مهلت { some-points } تمام شد و منقضی شد.
explained-refusal = پذیرفته نشد و چیزی جابه‌جا نشد: { $reason }
explained-with-lots = { $what } دسته‌ها: { $lots }.

## با هر دسته چه شد

lot-spent = { $points } از دستهٔ { $lot } خرج شد
lot-reserved = { $points } در دستهٔ { $lot } رزرو شد
lot-freed = { $points } در دستهٔ { $lot } آزاد شد
lot-restored = { $points } به دستهٔ { $lot } برگشت
lot-expired = { $points } در دستهٔ { $lot } منقضی شد
lot-repaid = { $points } از دستهٔ { $lot } صرف تسویهٔ بدهی شد
lot-clawed-back = { $points } از دستهٔ { $lot } پس گرفته شد
lot-cancelled = { $points } در دستهٔ { $lot } لغو شد
lot-transferred = { $points } از دستهٔ { $lot } منتقل شد
