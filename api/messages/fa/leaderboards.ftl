### تابلوهای رتبه.

leaderboard-not-found = تابلویی با این شناسه نیست؛ یکی را از `leaderboards` بردارید.
metric-not-offered = شمار پذیرنده‌های دیدار شده فقط در کل شبکه شمرده می‌شود: `merchantId` را کنار بگذارید یا سنجهٔ دیگری برگزینید.
invalid-grace = مهلتی بین ۰ تا ۷۲۰ ساعت بنویسید.
too-many-leaderboards = ۱۰۰ تابلوی باز هست؛ یکی را که کسی نمی‌بیند ببندید.
distance-out-of-range = از ۰ تا { $limit } همسایه در هر سو بخواهید.
leaderboard-member-needed = بگویید پیرامون کدام عضو: `member`.
