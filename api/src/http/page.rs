//! What our HTML pages have in common: places in a template that are filled, and the headers.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::assets;

/// Fills a template: `{{asset NAME}}` with the address of a file, `{{NAME}}` with a value, which is written as text.
/// A part between `{{#NAME}}` and `{{/NAME}}` goes away unless there is something of that name.
pub fn fill(template: &str, values: &[(&str, String)]) -> String {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let Some((place, after)) = after.split_once("}}") else { break };
        rest = after;
        if let Some(name) = place.strip_prefix('#') {
            if value(name).is_none() {
                rest = after.split_once(&format!("{{{{/{name}}}}}")).map_or(after, |(_, rest)| rest);
            }
        } else if let Some(name) = place.strip_prefix("asset ") {
            page.push_str(assets::address(name).unwrap_or_default());
        } else if !place.starts_with('/') {
            page.push_str(&escaped(value(place).unwrap_or_default()));
        }
    }
    page.push_str(rest);
    page
}

/// A page with its content security policy. It is never kept, so that a new version shows at once.
pub fn html(body: String, policy: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_text() {
        assert_eq!(
            fill("<p>{{name}}</p>", &[("name", "<b> & \"c\"".to_owned())]),
            "<p>&lt;b&gt; &amp; &quot;c&quot;</p>"
        );
    }

    #[test]
    fn a_part_is_there_only_with_its_value() {
        let template = "a {{#demo}}b {{demo}} {{/demo}}c";
        assert_eq!(fill(template, &[("demo", "x".to_owned())]), "a b x c");
        assert_eq!(fill(template, &[]), "a c");
    }

    #[test]
    fn files_are_named_by_their_address() {
        assert_eq!(fill("{{asset icon.svg}}", &[]), assets::address("icon.svg").unwrap());
    }
}
