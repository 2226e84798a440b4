//! The files that the web pages load: built into the program and served under names that follow from their contents,
//! so that a browser may keep them for good and a new version is a new name. No page asks another place for anything.

use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, ETag, Encoding, EntityTag, Header as _, HeaderValue, IfNoneMatch,
};
use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::{docs, examples};
use amvaj_domain::sealed::hex;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// A name in templates, its media type, its contents.
type Source = (&'static str, &'static str, Bytes);

macro_rules! embedded {
    ($name:literal, $media_type:expr, $path:literal) => {
        ($name, $media_type, Bytes::from_static(include_bytes!(concat!("../../assets/", $path))))
    };
}

fn sources() -> Vec<Source> {
    vec![
        embedded!("icon.svg", SVG, "site/icon.svg"),
        embedded!("theme.js", JAVASCRIPT, "site/theme.js"),
        embedded!("site.css", CSS, "site/site.css"),
        embedded!("landing.css", CSS, "landing/landing.css"),
        embedded!("landing.js", JAVASCRIPT, "landing/landing.js"),
        embedded!("workbench.css", CSS, "graphiql/workbench.css"),
        embedded!("workbench.js", JAVASCRIPT, "graphiql/workbench.js"),
        embedded!("events.js", JAVASCRIPT, "graphiql/events.js"),
        embedded!("examples.js", JAVASCRIPT, "graphiql/examples.js"),
        ("operations.json", JSON, Bytes::from(examples::as_json())),
        embedded!("graphiql-4.1.2.min.js", JAVASCRIPT, "vendor/graphiql-4.1.2.min.js"),
        embedded!("graphiql-4.1.2.min.css", CSS, "vendor/graphiql-4.1.2.min.css"),
        embedded!("react-18.3.1.min.js", JAVASCRIPT, "vendor/react-18.3.1.min.js"),
        embedded!("react-dom-18.3.1.min.js", JAVASCRIPT, "vendor/react-dom-18.3.1.min.js"),
        embedded!("LICENSES.txt", TEXT, "vendor/LICENSES.txt"),
    ]
}

struct Asset {
    name: &'static str,
    media_type: &'static str,
    digest: String,
    address: String,
    plain: Bytes,
    compressed: OnceLock<Bytes>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| sources().into_iter().map(Asset::of).collect());

/// Where a file is served, by its name in the source tree; nothing when there is no such file.
pub fn address(name: &str) -> Option<&'static str> {
    ASSETS.iter().find(|asset| asset.name == name).map(|asset| asset.address.as_str())
}

/// Serves the file of a hashed name.
pub async fn file(request: HttpRequest, name: Path<String>) -> HttpResponse {
    let wanted = format!("/assets/{name}");
    match ASSETS.iter().find(|asset| asset.address == wanted) {
        Some(asset) => asset.answer(&request),
        None => docs::not_found(request).await,
    }
}

/// Leads to the icon, for pages without a place to name it, such as plain text.
pub async fn icon() -> HttpResponse {
    let place = address("icon.svg").unwrap_or("/");
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, place)).finish()
}

impl Asset {
    fn of((name, media_type, plain): Source) -> Self {
        let digest: String = hex(&Sha256::digest(&plain)).chars().take(16).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let address = format!("/assets/{stem}.{digest}.{extension}");
        Self { name, media_type, digest, address, plain, compressed: OnceLock::new() }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let encodings = [Encoding::gzip(), Encoding::identity()];
        let encoding =
            AcceptEncoding::parse(request).ok().and_then(|accept| accept.negotiate(encodings.iter()));
        let compressed = encoding == Some(Encoding::gzip());
        let tag = EntityTag::new_strong(if compressed {
            format!("{}-gzip", self.digest)
        } else {
            self.digest.clone()
        });
        let known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Err(_) => false,
        };
        let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer
            .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .insert_header((header::VARY, HeaderValue::from_static("accept-encoding")))
            .insert_header(ETag(tag));
        if known {
            return answer.finish();
        }
        answer.insert_header((header::CONTENT_TYPE, self.media_type));
        if compressed {
            answer.insert_header(ContentEncoding::Gzip).body(self.compressed())
        } else {
            answer.body(self.plain.clone())
        }
    }

    /// Compressed when it is first asked for: most servers never are.
    fn compressed(&self) -> Bytes {
        self.compressed.get_or_init(|| compress(&self.plain)).clone()
    }
}

fn compress(plain: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(7));
    // A vector takes everything that is written to it.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.map_or_else(|_| Bytes::new(), Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums that `vendor/README.md` tells.
    #[test]
    fn the_files_of_others_are_those_that_their_list_names() {
        let list = include_str!("../../assets/vendor/README.md");
        let vendored = [
            "graphiql-4.1.2.min.js",
            "graphiql-4.1.2.min.css",
            "react-18.3.1.min.js",
            "react-dom-18.3.1.min.js",
        ];
        for name in vendored {
            let asset = ASSETS.iter().find(|asset| asset.name == name).unwrap();
            let sum = hex(&Sha256::digest(&asset.plain));
            let row = list.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap();
            assert!(row.contains(&sum), "{name} has {sum}");
        }
    }

    #[test]
    fn names_follow_from_contents() {
        let one = Asset::of(("a.b.js", JAVASCRIPT, Bytes::from_static(b"one")));
        let other = Asset::of(("a.b.js", JAVASCRIPT, Bytes::from_static(b"other")));
        assert_eq!(one.address, "/assets/a.b.7692c3ad3540bb80.js");
        assert_ne!(one.address, other.address);
    }
}
