//! A key is ended for good, with every token that it was exchanged for.

use amvaj_domain::access::{ApiKey, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::ApiKeyId;

use super::create_api_key::manages_keys_of;
use super::{App, AppError};

/// Revokes a key; that it is revoked already is no fault. It ends at once on this node, and within a second on others.
pub async fn revoke_api_key(
    app: &App,
    identity: &Identity,
    author: &Author,
    id: ApiKeyId,
) -> Result<ApiKey, AppError> {
    let found = app.api_keys.by_id(&[id]).await?.pop();
    let key = found.filter(|key| manages_keys_of(identity, key.merchant)).ok_or(AppError::NotFound)?;
    let now = app.now();
    let act = Act::new(author, ActKind::ApiKeyRevoked, Target::ApiKey(id), now)
        .detail("merchant", key.merchant.to_string().as_str())
        .detail("name", key.name.as_str())
        .detail("prefix", key.prefix.as_str());
    app.api_keys.revoke(key.merchant, id, now, &act).await?.ok_or(AppError::NotFound)
}
