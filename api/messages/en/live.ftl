### Subscriptions.

live-cursor-expired = What came after this cursor is not kept any more. Read what you missed from `operations`, then listen without a cursor.
live-cursor-unreadable = `after` is not a cursor of this subscription; send one that an event gave you.
live-no-websocket = This is no WebSocket handshake.
live-one-field = A subscription selects exactly one field.
live-origin = Pages of this origin may not open sockets; the operator can allow them in `AMVAJ_LIVE_ORIGINS`.
live-subprotocol = Open the socket with the subprotocol `{ $name }`.
live-too-many = One socket has { $limit } operations at most; end one, or open another socket.
places-out-of-range = Watch 1 to { $limit } places.
