//! The library as its documentation shows it: async-graphql behind actix, which answers a fixed wallet from memory. It knows
//! no callers, no limits and no errors of ours, and it parses and validates each document anew.

use std::{io, net::SocketAddr};

use actix_web::{App, HttpServer, dev::ServerHandle, web};
use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Response, Schema, SimpleObject};
use tokio::task::JoinHandle;

/// The name in reports.
pub const NAME: &str = "stock-graphql";

type StockSchema = Schema<Stock, EmptyMutation, EmptySubscription>;

struct Stock;

#[derive(SimpleObject)]
struct FixedWallet {
    available: &'static str,
    posted: &'static str,
    held: &'static str,
    version: &'static str,
}

#[Object]
impl Stock {
    async fn wallet(&self) -> FixedWallet {
        FixedWallet { available: "4200", posted: "4250", held: "50", version: "17" }
    }
}

/// A server of it, on a port of its own.
pub(super) struct StockServer {
    address: SocketAddr,
    handle: ServerHandle,
    served: JoinHandle<io::Result<()>>,
}

impl StockServer {
    pub(super) fn start() -> io::Result<Self> {
        let schema = Schema::new(Stock, EmptyMutation, EmptySubscription);
        let new_app = move || {
            App::new().app_data(web::Data::new(schema.clone())).route("/graphql", web::post().to(answer))
        };
        let server = HttpServer::new(new_app).tcp_nodelay(true).disable_signals().bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let server = server.run();
        Ok(Self { address, handle: server.handle(), served: tokio::spawn(server) })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn stop(self) -> io::Result<()> {
        self.handle.stop(false).await;
        self.served.await.map_err(io::Error::other)?
    }
}

async fn answer(schema: web::Data<StockSchema>, request: web::Json<Request>) -> web::Json<Response> {
    web::Json(schema.execute(request.into_inner()).await)
}
