//! The language in which a request is answered: what `Accept-Language` asks for, else what the calling member has
//! chosen, else the network's.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, AcceptLanguage, Header as _, HeaderValue, Preference, Quality};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use amvaj_domain::access::Caller;
use amvaj_domain::id::MemberId;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::language::Language;

/// How long to wait for a member's choice before answering in the network's language.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads the language that a member has chosen. What it answers with can be awaited on any thread.
pub type LanguageOf = dyn Fn(MemberId) -> BoxFuture<'static, Option<Language>> + Send + Sync;

/// The language of those who ask for none.
#[derive(Clone)]
pub struct Languages {
    /// The network's.
    pub usual: Language,
    /// A member's own.
    pub of_member: Arc<LanguageOf>,
}

impl Languages {
    /// One language for all.
    pub fn only(usual: Language) -> Self {
        Self { usual, of_member: Arc::new(|_| Box::pin(ready(None))) }
    }
}

/// The language of one request. It is found out when the first message has to be put into words: a request without one
/// never asks for it. Cheap to clone; all clones know what one has found.
#[derive(Clone)]
pub struct RequestLanguage {
    asked: Option<Language>,
    member: Option<MemberId>,
    languages: Option<Arc<Languages>>,
    found: Arc<OnceCell<Language>>,
}

impl RequestLanguage {
    /// The language of a request whose caller is not known.
    pub fn of(request: &HttpRequest) -> Self {
        let languages = request.app_data::<Data<Languages>>().cloned().map(Data::into_inner);
        Self { asked: accepted(request), member: None, languages, found: Arc::default() }
    }

    /// The language of a request of which nothing is known, as the bench sends it.
    pub fn unknown() -> Self {
        Self { asked: None, member: None, languages: None, found: Arc::default() }
    }

    /// The language of the same request now that its caller is known.
    #[must_use]
    pub fn for_caller(mut self, caller: Option<Caller>) -> Self {
        self.member = match caller {
            Some(Caller::Member(member)) => Some(member),
            Some(Caller::Operator | Caller::Agent | Caller::Merchant(_)) | None => None,
        };
        self
    }

    /// The language.
    pub async fn get(&self) -> Language {
        *self.found.get_or_init(|| self.find()).await
    }

    /// Says in a response's headers in which language its messages are, if it has any.
    pub fn tell(&self, response: &mut HttpResponse) {
        let Some(language) = self.found.get() else { return };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    }

    async fn find(&self) -> Language {
        if let Some(asked) = self.asked {
            return asked;
        }
        let Some(languages) = &self.languages else { return Language::English };
        let Some(member) = self.member else { return languages.usual };
        let choice = tokio::time::timeout(PATIENCE, (languages.of_member)(member)).await;
        choice.ok().flatten().unwrap_or(languages.usual)
    }
}

/// The language of a page for people who have not said who they are.
pub fn of_visitor(request: &HttpRequest) -> Language {
    let usual = request.app_data::<Data<Languages>>().map(|languages| languages.usual);
    accepted(request).or(usual).unwrap_or(Language::English)
}

/// Longest `Accept-Language` that is read, in bytes; browsers send a few dozen.
const LONGEST: usize = 1_024;

/// Of the languages that messages are written in, the one that `Accept-Language` prefers; nothing when it names none of
/// them. What cannot be read in it is passed over.
fn accepted(request: &HttpRequest) -> Option<Language> {
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::test::TestRequest;
    use amvaj_domain::id::MerchantId;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_member_s_choice_is_read_once_and_only_when_the_request_asks_for_nothing() {
        let reads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reads);
        let of_member: Arc<LanguageOf> = Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(ready(Some(Language::Persian)))
        });
        let languages = Data::new(Languages { usual: Language::English, of_member });
        let member = Some(Caller::Member(MemberId::new(Uuid::from_u128(1))));
        let of = |request: TestRequest, caller| {
            RequestLanguage::of(&request.app_data(languages.clone()).to_http_request()).for_caller(caller)
        };

        let own = of(TestRequest::default(), member);
        let told = tokio::join!(own.get(), own.get(), own.get());
        assert_eq!(told, (Language::Persian, Language::Persian, Language::Persian));
        assert_eq!(reads.load(Ordering::Relaxed), 1);

        let asked = of(TestRequest::default().insert_header(("accept-language", "en")), member);
        assert_eq!(asked.get().await, Language::English);
        let merchant = Some(Caller::Merchant(MerchantId::new(Uuid::from_u128(1))));
        for caller in [None, merchant, Some(Caller::Operator)] {
            assert_eq!(of(TestRequest::default(), caller).get().await, Language::English);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_choice_that_cannot_be_read_in_time_is_the_network_s() {
        let of_member: Arc<LanguageOf> = Arc::new(|_| Box::pin(std::future::pending()));
        let languages = Data::new(Languages { usual: Language::Persian, of_member });
        let request = TestRequest::default().app_data(languages).to_http_request();
        let member = Caller::Member(MemberId::new(Uuid::from_u128(1)));
        let language = RequestLanguage::of(&request).for_caller(Some(member));
        assert_eq!(language.get().await, Language::Persian);
    }

    #[test]
    fn a_response_without_a_message_names_no_language() {
        let language = RequestLanguage::of(&TestRequest::default().to_http_request());
        let mut response = HttpResponse::Ok().finish();
        language.tell(&mut response);
        assert!(response.headers().is_empty(), "{response:?}");
    }

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
