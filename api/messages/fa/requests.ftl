### پاسخ‌های رد یک درخواست. قاعدهٔ کلیدها در en/requests.ftl آمده است.
### عددها با رقم فارسی و جداکنندهٔ «٬» نوشته می‌شود و هرچه میان دو بک‌تیک باشد خودکار از متن راست‌به‌چپ جدا می‌شود.

## کدهای `extensions.code`

code-graphql-parse-failed = سند ارسالی GraphQL معتبری نیست.
    .detail = سند ارسالی GraphQL معتبری نیست: { $detail }
code-graphql-validation-failed = سند ارسالی با طرح‌واره (schema) سازگار نیست.
    .detail = سند ارسالی با طرح‌واره (schema) سازگار نیست: { $detail }
code-bad-user-input = درخواست خوانا نیست.
    .detail = درخواست خوانا نیست: { $detail }
code-unauthenticated = توکن دسترسی بفرستید: `Authorization: Bearer TOKEN`.
code-forbidden = نقش شما اجازهٔ این کار را ندارد.
code-not-found = چنین چیزی وجود ندارد یا متعلق به شما نیست.
code-throttled = تعداد درخواست‌ها بیش از حد مجاز است؛ کمی صبر کنید و دوباره بفرستید.
look-ups-too-often = بیش از اندازه با شمارهٔ موبایل، کارت یا کد به دنبال اعضا گشته‌اید یا عضوهای زیادی پیدا نشده‌اند. کاری انجام نشد: پس از `retryAfter` ثانیه همین را دوباره بفرستید یا عضو را با شناسه‌اش (`id`) نام ببرید.
code-overloaded = سرور شلوغ است و کاری انجام نداده است؛ اندکی بعد دوباره تلاش کنید.
code-outcome-unknown = نتیجه معلوم نیست؛ همین درخواست را با همان کلید یکتا (`idempotencyKey`) دوباره بفرستید.
# Clients compare this text, whatever their language.
code-persisted-query-not-found = PersistedQueryNotFound
code-internal = از سمت ما خطایی رخ داد؛ شناسهٔ درخواست را به ما اطلاع دهید.

## چه کسی اجازهٔ چه کاری را دارد

only-the-operator = این کار فقط از گردانندهٔ باشگاه برمی‌آید؛ توکن شما برای نقش دیگری است.
only-a-merchant = این کار فقط از پذیرنده برمی‌آید؛ توکن شما برای نقش دیگری است.
only-a-member = این کار فقط از عضو باشگاه برمی‌آید؛ توکن شما برای نقش دیگری است.
scope-needed = این کار به دامنهٔ دسترسی `{ $scope }` نیاز دارد که به شما داده نشده است.
lots-are-private = دسته‌های امتیاز هر عضو فقط به خود او نشان داده می‌شود.
relations-are-private = رابطه‌های عضو با پذیرنده‌ها فقط به خود او نشان داده می‌شود.
wallet-detail-is-private = دسته‌ها و رزروهای امتیاز هر عضو فقط به خود او نشان داده می‌شود.

## توکن دسترسی

token-malformed = توکن دسترسی بدشکل است؛ آن را به شکل `Authorization: Bearer TOKEN` بفرستید.
token-algorithm = توکن دسترسی با الگوریتمی امضا شده است که پذیرفته نمی‌شود؛ از ما توکن بگیرید.
token-unknown-key = توکن دسترسی با کلیدی ناشناخته امضا شده است؛ توکن تازه بگیرید.
token-signature = امضای توکن دسترسی درست نیست؛ توکن تازه بگیرید.
token-issuer = توکن دسترسی را صادرکنندهٔ دیگری داده است؛ از ما توکن بگیرید.
token-audience = توکن دسترسی برای مخاطب دیگری است؛ توکنی برای همین سرور بگیرید.
token-not-yet-valid = زمان اعتبار توکن دسترسی هنوز نرسیده است؛ ساعت دستگاه‌ها را بررسی کنید.
token-expired = مهلت توکن دسترسی تمام شده است؛ توکن تازه بگیرید.
token-revoked = اعتبار توکن دسترسی باطل شده است؛ دوباره وارد شوید.
token-subject = نقش و دارندهٔ توکن دسترسی با هم نمی‌خوانند؛ توکن تازه بگیرید.
token-critical = توکن دسترسی افزونه‌ای (`crit`) می‌خواهد که اینجا شناخته نیست؛ توکنی بدون آن بگیرید.
token-too-long = مهلت توکن دسترسی از آنچه از صادرکنندهٔ آن پذیرفته می‌شود بیشتر است؛ توکنی با فاصلهٔ کمتر میان `iat` و `exp` بگیرید.
token-used = این توکن دسترسی برای یک درخواست بود و به کار رفته است؛ توکن تازه بگیرید.
token-stranger = توکن دسترسی برای کسی است که اینجا نیست یا مسدود است.
token-unavailable = اکنون نمی‌توان توکن دسترسی را بررسی کرد؛ اندکی بعد دوباره تلاش کنید.

## کلیدها و توکن‌های نصب دیگر همین شبکه

credential-of-live = این کلید یا توکن برای شبکهٔ اصلی است و اینجا محیط آزمایشی آن است؛ کلیدی را به کار ببرید که همین‌جا ساخته شده باشد.
credential-of-live-at = این کلید یا توکن برای شبکهٔ اصلی به نشانی `{ $place }` است و اینجا محیط آزمایشی آن است؛ آن را همان‌جا به کار ببرید یا کلیدی را که همین‌جا ساخته شده باشد.
credential-of-sandbox = این کلید یا توکن برای محیط آزمایشی است و اینجا شبکهٔ اصلی است؛ کلیدی را به کار ببرید که همین‌جا ساخته شده باشد.
credential-of-sandbox-at = این کلید یا توکن برای محیط آزمایشی به نشانی `{ $place }` است و اینجا شبکهٔ اصلی است؛ آن را همان‌جا به کار ببرید یا کلیدی را که همین‌جا ساخته شده باشد.

## HTTP

http-post-or-get = از POST استفاده کنید؛ برای پرس‌وجو، GET هم پذیرفته است.
http-mutation-needs-post = عملیات تغییر (mutation) فقط با POST پذیرفته می‌شود.
http-no-subscription = اشتراک به WebSocket (`graphql-transport-ws`) یا درخواست POST با پذیرش `text/event-stream` نیاز دارد.
http-content-type = سرآیند `Content-Type: application/json` را بفرستید.
http-body-too-long = بدنهٔ درخواست از { $limit } بایت بلندتر است؛ هر بار کمتر بفرستید.
http-body-too-slow = بدنهٔ درخواست به‌موقع نرسید؛ آن را بدون مکث بفرستید.
http-get-needs-header = درخواست GET باید سرآیند `apollo-require-preflight: true` داشته باشد تا هیچ سایت دیگری نتواند آن را بفرستد؛ یا از POST استفاده کنید.
http-body-unreadable = بدنهٔ درخواست خوانا نیست.
http-no-batches = ارسال گروهی پشتیبانی نمی‌شود؛ درخواست‌ها را یکی‌یکی بفرستید.
http-body-no-object = بدنهٔ درخواست یک شیء JSON دارای `query` نیست.
http-body-no-json = بدنهٔ درخواست JSON معتبری نیست: { $detail }
http-query-string-unreadable = پارامترهای نشانی (query string) خوانا نیست.
http-parameter-no-json = مقدار `{ $name }` یک JSON معتبر نیست.
http-parameter-no-string = مقدار `{ $name }` متن نیست.
http-parameter-no-object = مقدار `{ $name }` شیء نیست.
http-query-missing = پارامتر `query` فرستاده نشده است.
http-persisted-query-unreadable = مقدار `extensions.persistedQuery` خوانده نشد؛ `version` را برابر با `1` و در `sha256Hash` شصت‌وچهار رقم شانزده‌شانزدهی با حروف کوچک بفرستید.
http-document-id-unreadable = مقدار `documentId` خوانده نشد؛ `sha256:` و پس از آن شصت‌وچهار رقم شانزده‌شانزدهی با حروف کوچک بنویسید.
http-document-id-alone = پارامتر `documentId` خود سند را معین می‌کند؛ کنار آن نه `query` بفرستید و نه `extensions.persistedQuery`.
document-unknown = سندی با این `documentId` وجود ندارد؛ متن آن را در `query` و یک بار همراه با درهم‌ساز آن در `extensions.persistedQuery` بفرستید.
document-hash-mismatch = درهم‌ساز `extensions.persistedQuery` از آنِ متن `query` نیست؛ `SHA-256` همان متنی را بفرستید که در درخواست است.
document-not-trusted = این سرور از شما فقط سندهای مورد اعتماد را می‌پذیرد و این سند از آن‌ها نیست؛ از گردانندهٔ باشگاه بخواهید آن را به فهرست خود بیفزاید.
http-extensions-unreadable = در `extensions` مقداری هست که خوانده نمی‌شود.
http-nothing-here = اینجا چیزی نیست؛ نشانی API این است: `/graphql`
variable-required = متغیر `${ $name }` الزامی است.
no-such-operation = سند، عملیاتی به نام `{ $name }` ندارد.
several-operations = سند چند عملیات دارد؛ نام یکی را در `operationName` بنویسید.
introspection-is-off = این سرور طرح‌وارهٔ خود را به شما نشان نمی‌دهد؛ فایل آن را از گردانندهٔ باشگاه بخواهید.
document-cycle = یک قطعه (fragment) خودش را در بر می‌گیرد؛ این ارجاع را بردارید.
document-too-dear = هزینهٔ این درخواست { $cost } است و شما هر بار حداکثر { $limit } می‌توانید بخواهید؛ صفحه‌های کوتاه‌تر یا فیلدهای کمتری بخواهید.
document-excess = { $what ->
        [tokens] شمار نام‌ها و نشانه‌های سند
        [nesting] شمار پرانتزهای تودرتوی سند
        [name-length] شمار حرف‌های یک نام
        [operations] شمار عملیات سند
        [fragments] شمار قطعه‌های سند
        [variables] شمار متغیرهای یک عملیات
        [selections] شمار فیلدهای یک عملیات، همراه با قطعه‌ها،
        [root-fields] شمار فیلدهای ریشهٔ یک عملیات
        [aliases] شمار نام‌های مستعار یک عملیات
        [directives] شمار دستورهای (directive) یک عملیات
        [depth] شمار لایه‌های تودرتوی یک عملیات
        [list-items] شمار موردهای یک فهرست
        [values] شمار مقدارهای متغیرها
        [schema-lists] شمار فهرست‌های تودرتو در نگاه به طرح‌واره
       *[cost] هزینهٔ عملیات
    } از { $limit } بیشتر است؛ هر بار کمتر بفرستید.

## آرگومان‌های پرس‌وجو

page-without-size = یکی از `first` یا `last` را بدهید: تعداد موارد، از ۱ تا ۱۰۰.
page-with-two-sizes = فقط یکی از `first` و `last` را بدهید، نه هر دو را.
page-size-out-of-range = هر صفحه ۱ تا ۱۰۰ مورد دارد؛ صفحهٔ بعد را با `after: endCursor` بخواهید.
cursor-of-another-list = مقدار `{ $argument }` نشانگر این فهرست نیست؛ آن را از `pageInfo` بردارید.
too-many-ids = هر بار حداکثر { $limit } شناسه بخواهید.
representation-without-typename = نمایندهٔ موجودیت باید شیئی با `__typename` و یکی از کلیدهای همان نوع باشد.
representation-of-no-entity = نوع `{ $type }` در این گراف موجودیت نیست؛ `_service` نشان می‌دهد کدام‌ها هستند.
representation-without-key = نمایندهٔ `{ $type }` باید یکی از کلیدهای آن را کامل و بدون null داشته باشد: { $keys }.
argument-no-branch-id = مقدار `branchId` شناسهٔ شعبه نیست.
argument-no-merchant-id = مقدار `merchantId` شناسهٔ پذیرنده نیست.
merchant-id-needed = پذیرنده را با `merchantId` مشخص کنید.
wallet-id-needed = کیف امتیاز را با `id` مشخص کنید یا آن را از خود عضو بخواهید.
audit-id-unknown = مقدار `filter.{ $field }` شناسه‌ای نیست که در گزارش حسابرسی آمده باشد؛ آن را از سطرهای همان گزارش بردارید.
