//! Whoever listens, as long as it may: a credential that was good is asked for again and again.

use actix_web::web::Data;
use amvaj_domain::access::Identity;

use crate::auth::AuthError;
use crate::http::client::Client;
use crate::http::execution::{Authorization, identify, stranger};
use crate::http::graphql::Endpoint;
use crate::http::refusal::Refusal;

/// A credential and whom it stands for.
#[derive(Clone)]
pub(super) struct Caller {
    authorization: Authorization,
    pub(super) identity: Option<Identity>,
}

impl Caller {
    /// Who sends a credential, if it is good. Whoever sends one that is not is told so as often as a stranger may ask.
    pub(super) async fn known(
        authorization: Authorization,
        client: &Client,
        endpoint: &Data<Endpoint>,
    ) -> Result<Self, Refusal> {
        match identified(authorization.clone(), endpoint).await {
            Ok(identity) => Ok(Self { authorization, identity }),
            Err(reason) => Err(stranger(reason, client, endpoint).await),
        }
    }

    /// Whether the credential stands for the same as before. One that only cannot be checked now is believed.
    pub(super) async fn is_still_good(&self, endpoint: &Data<Endpoint>) -> bool {
        match identified(self.authorization.clone(), endpoint).await {
            Ok(identity) => identity == self.identity,
            Err(error) => error.is_passing(),
        }
    }
}

/// The database knows the runtime that executes operations, and no thread of a connection.
async fn identified(
    authorization: Authorization,
    endpoint: &Data<Endpoint>,
) -> Result<Option<Identity>, AuthError> {
    let own = endpoint.clone();
    let asked = endpoint.runtime.spawn(async move { identify(authorization, &own).await });
    asked.await.unwrap_or_else(|_| Err(crate::auth::TokenError::Unavailable.into()))
}
