//! The language that a client asks for.

use actix_web::HttpRequest;
use actix_web::http::header::{self, AcceptLanguage, Header as _, Preference, Quality};

use crate::language::Language;

/// Longest `Accept-Language` that is read, in bytes; browsers send a few dozen.
const LONGEST: usize = 1_024;

/// Of the languages that messages are written in, the one that `Accept-Language` prefers; nothing when it names none of
/// them. What cannot be read in it is passed over.
pub fn accepted(request: &HttpRequest) -> Option<Language> {
    let length: usize =
        request.headers().get_all(header::ACCEPT_LANGUAGE).map(|value| value.as_bytes().len()).sum();
    if length == 0 || length > LONGEST {
        return None;
    }
    let mut best: Option<(Quality, Language)> = None;
    for wish in AcceptLanguage::parse(request).ok()?.0 {
        let Preference::Specific(tag) = &wish.item else { continue };
        let language = Language::from_code(&tag.primary_language().to_ascii_lowercase());
        let Some(language) = language.filter(|_| wish.quality > Quality::ZERO) else { continue };
        // Of two equal wishes the first one counts.
        if best.is_none_or(|(quality, _)| wish.quality > quality) {
            best = Some((wish.quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_wish_of_the_highest_quality_that_we_speak_counts() {
        use Language::{English, Persian};
        for (header, expected) in [
            ("", None),
            ("fa", Some(Persian)),
            ("FA-ir", Some(Persian)),
            ("fa-Arab-IR-u-nu-latn", Some(Persian)),
            ("en-GB, fa;q=0.9", Some(English)),
            ("en;q=0.5, fa;q=0.9", Some(Persian)),
            ("fa, en", Some(Persian)),
            ("en, fa", Some(English)),
            ("de, fa;q=0.1", Some(Persian)),
            ("de, fr;q=0.5", None),
            ("*", None),
            ("*, fa;q=0.2", Some(Persian)),
            ("fa;q=0, en;q=0.1", Some(English)),
            ("fa;q=0", None),
            ("fas", None),
            ("q=1;;;, ,fa;q=x, en;q=0.3", Some(English)),
            (";q=1", None),
            ("fa;q=1.5", None),
            ("  fa  ", Some(Persian)),
        ] {
            let request = TestRequest::default().insert_header(("accept-language", header)).to_http_request();
            assert_eq!(accepted(&request), expected, "{header:?}");
        }
    }

    #[test]
    fn a_header_that_no_client_sends_is_passed_over() {
        let absent = TestRequest::default().to_http_request();
        assert_eq!(accepted(&absent), None);
        let long = TestRequest::default().insert_header(("accept-language", "fa,".repeat(1_000)));
        assert_eq!(accepted(&long.to_http_request()), None);
        let bytes: &[u8] = b"fa\xff";
        let unreadable = TestRequest::default().insert_header(("accept-language", bytes));
        assert_eq!(accepted(&unreadable.to_http_request()), None);
        let twice = TestRequest::default()
            .append_header(("accept-language", "de"))
            .append_header(("accept-language", "fa"));
        assert_eq!(accepted(&twice.to_http_request()), Some(Language::Persian));
    }
}
