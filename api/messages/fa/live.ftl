### Subscriptions.

live-cursor-expired = آنچه پس از این نشانگر آمده دیگر نگه داشته نشده است. آنچه را از دست داده‌اید از `operations` بخوانید، سپس بدون نشانگر گوش کنید.
live-cursor-unreadable = مقدار `after` نشانگر این اشتراک نیست؛ نشانگری را بفرستید که یک رویداد به شما داده است.
live-no-websocket = این درخواست برای گشودن WebSocket درست نیست.
live-origin = صفحه‌های این مبدأ اجازهٔ گشودن سوکت ندارند؛ گرداننده می‌تواند آن را در `AMVAJ_LIVE_ORIGINS` مجاز کند.
live-subprotocol = سوکت را با زیرپروتکل `{ $name }` باز کنید.
places-out-of-range = از ۱ تا { $limit } جایگاه را دنبال کنید.
