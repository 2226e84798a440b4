//! Puts a server together from the application: the same parts for `serve`, the demo and the tests.

use std::sync::Arc;

use crate::app::App;
use crate::auth::Tokens;
use crate::graphql::loader::add_loaders;
use crate::graphql::schema;
use crate::http::health::Dependency;
use crate::server::Parts;

/// The parts of a server for an application.
pub fn parts(app: &Arc<App>, tokens: Tokens) -> Parts {
    let directory = app.directory.clone();
    Parts {
        schema: schema::builder().data(Arc::clone(app)).finish(),
        tokens,
        clock: app.clock.clone(),
        dependencies: vec![database(app)],
        prepare: Arc::new(move |request, caller| add_loaders(request, &directory, caller)),
    }
}

fn database(app: &App) -> Dependency {
    let db = app.db.clone();
    Dependency::required("database", move || {
        let db = db.clone();
        async move { db.ping().await.map_err(|error| error.to_string()) }
    })
}
