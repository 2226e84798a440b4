use std::fmt::Write as _;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use serde_json::{Value, json};

use super::*;

/// Scans, parses and measures; the operation is the first one.
fn asked(source: &str, variables: Value) -> Result<Asked, Refused> {
    scan(source)?;
    let document = parse_query(source).unwrap();
    let operation = document.operations.iter().next().unwrap().1;
    measure(&document, &operation.node, &Variables::from_json(variables))
}

fn cost(source: &str) -> u64 {
    asked(source, json!({})).unwrap().cost
}

fn excess(source: &str) -> Excess {
    match asked(source, json!({})) {
        Err(Refused::Excess(excess)) => excess,
        other => panic!("{other:?}"),
    }
}

#[test]
fn objects_cost_and_scalars_do_not() {
    assert_eq!(cost("{ version }"), 0);
    assert_eq!(cost("{ network { nameEn } }"), 1);
    assert_eq!(cost("{ viewer { member { wallet { available } } } }"), 3);
    assert_eq!(cost("{ ... on Query { a: network { nameEn } b: network { nameEn } } }"), 2);
}

#[test]
fn a_page_costs_its_length_times_what_is_on_it() {
    assert_eq!(cost("{ members(first: 50) { totalCount } }"), 1);
    assert_eq!(cost("{ members(first: 50) { nodes { id } pageInfo { endCursor } } }"), 52);
    assert_eq!(cost("{ members(last: 50) { edges { cursor node { id wallet { posted } } } } }"), 151);
    assert_eq!(cost("{ merchants(first: 10) { nodes { branches(first: 20) { nodes { id } } } } }"), 221);
    assert_eq!(cost("{ members(first: 50) { ...Page } } fragment Page on C { nodes { id } }"), 51);
    assert_eq!(cost("{ members(first: 4000000000) { nodes { id } } }"), 101, "a longer page is never given");
    assert_eq!(cost("{ members(first: -1) { nodes { id } } }"), 2);
}

#[test]
fn what_variables_hold_counts() {
    let query =
        "query($n: Int = 7, $ids: [ID!]!) { members(first: $n) { nodes { id } } nodes(ids: $ids) { id } }";
    assert_eq!(asked(query, json!({ "n": 30, "ids": ["a", "b", "c"] })).unwrap().cost, 34);
    assert_eq!(asked(query, json!({ "ids": ["a"] })).unwrap().cost, 9);
    assert_eq!(cost(r#"{ nodes(ids: ["a", "b"]) { id } }"#), 2);
}

#[test]
fn mutations_and_looks_at_the_schema_have_a_price_of_their_own() {
    let earn = asked("mutation { earnPoints { wallet { posted } userErrors { code } } }", json!({})).unwrap();
    assert_eq!((earn.cost, earn.base), (13, 10));
    let bulk = "mutation($p: [P!]!, $i: I!) { a: earnPointsBulk(input: { purchases: $p }) { results { wallet { id } } }
        b: earnPointsBulk(input: { purchases: [{}, {}] }) { userErrors { code } } c: earnPointsBulk(input: $i) { userErrors { code } } }";
    let bulk = asked(bulk, json!({ "p": [{}, {}, {}], "i": { "purchases": [{}] } })).unwrap();
    assert_eq!(bulk.base, 3 * 10 + (3 + 2 + 1) * 2);
    assert_eq!(bulk.cost, bulk.base + 3 * 3 + 2 * 2 + 2);
    assert_eq!(bulk.of_many, bulk.cost - 3 * 10);
    let schema = asked("{ __schema { types { name fields { name } } } }", json!({})).unwrap();
    assert_eq!((schema.cost, schema.introspects), (200, true));
    let service = asked("{ a: _service { sdl } }", json!({})).unwrap();
    assert_eq!((service.cost, service.introspects), (200, true));
    assert!(!asked("{ __typename network { nameEn } }", json!({})).unwrap().introspects);
    assert!(
        asked("{ ...F } fragment F on Query { __type(name: \"A\") { name } }", json!({}))
            .unwrap()
            .introspects
    );
}

#[test]
fn a_fragment_bomb_is_measured_at_once_and_refused() {
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..40 {
        write!(bomb, " fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1).unwrap();
    }
    bomb.push_str(" fragment F40 on Query { version }");
    assert!(bomb.len() < 3_000);
    assert_eq!(excess(&bomb), Excess::Selections);
}

#[test]
fn a_look_at_the_schema_does_not_go_in_circles() {
    for circle in [
        "{ __schema { types { interfaces { possibleTypes { name } } } } }",
        "{ __type(name: \"Query\") { fields { type { fields { name } } } } }",
        "{ __schema { ...S } } fragment S on __Schema { types { ...T } } \
         fragment T on __Type { inputFields { type { ...U } } } fragment U on __Type { fields { name } }",
    ] {
        assert_eq!(excess(circle), Excess::SchemaLists, "{circle}");
    }
    let usual = "{ __schema { types { fields { args { type { ofType { name } } } type { ofType { ofType { name } } } } \
        inputFields { type { name } } interfaces { ofType { name } } possibleTypes { name } } } }";
    assert!(asked(usual, json!({})).is_ok());
    assert!(asked("{ a { fields { fields { name } } } }", json!({})).is_ok(), "of ours they are no circle");
}

#[test]
fn a_fragment_that_spreads_itself_is_refused() {
    let cycle = |source| matches!(asked(source, json!({})), Err(Refused::Cycle(_)));
    assert!(cycle("{ ...A } fragment A on Query { ...A }"));
    assert!(cycle("{ ...A } fragment A on Query { network { ...B } } fragment B on Network { ...A }"));
    assert!(
        cycle("{ version } fragment A on Query { ...B } fragment B on Query { ...A }"),
        "spread by nobody"
    );
}

#[test]
fn each_limit_is_met_exactly() {
    let times = |count: u64, part: &str| part.repeat(usize::try_from(count).unwrap());
    let numbered = |count: u64, part: &dyn Fn(u64) -> String| (0..count).map(part).collect::<String>();
    let nested = |depth: u64| format!("{{ {} version {}", times(depth - 1, "a {"), times(depth, "}"));
    let sources: [(Excess, &dyn Fn(u64) -> String); 12] = [
        (Excess::Tokens, &|count| format!("{{ {} }}", times(count - 2, "a "))),
        (Excess::Nesting, &|count| format!("{{ a(b: {}{}) }}", times(count - 2, "["), times(count - 2, "]"))),
        (Excess::NameLength, &|count| format!("{{ {} }}", times(count, "a"))),
        (Excess::Operations, &|count| numbered(count, &|number| format!("query Q{number} {{ a }} "))),
        (Excess::Fragments, &|count| {
            format!("{{ a }} {}", numbered(count, &|number| format!("fragment F{number} on Query {{ a }} ")))
        }),
        (Excess::Variables, &|count| {
            format!("query({}) {{ a }}", numbered(count, &|number| format!("$v{number}: Int ")))
        }),
        (Excess::Selections, &|count| format!("{{ a {{ {} }} }}", times(count - 1, "b "))),
        (Excess::RootFields, &|count| format!("{{ {} }}", times(count, "a "))),
        (Excess::Aliases, &|count| format!("{{ a {{ {} }} }}", times(count, "b: c "))),
        (Excess::Directives, &|count| format!("{{ a {} }}", times(count, "@skip(if: false) "))),
        (Excess::Depth, &|count| nested(count)),
        (Excess::ListItems, &|count| format!("{{ a(b: [{}]) }}", times(count, "1 "))),
    ];
    for (limit, source) in sources {
        let over = excess(&source(limit.most() + 1));
        assert_eq!(over, limit);
        let at = asked(&source(limit.most()), json!({}));
        assert!(!matches!(at, Err(Refused::Excess(excess)) if excess == limit), "{limit:?}: {at:?}");
    }
}

#[test]
fn variables_are_measured_as_well() {
    let query = "query($v: V) { a(b: $v) }";
    let refused = |variables| asked(query, variables).unwrap_err();
    assert_eq!(refused(json!({ "v": vec![1; 501] })), Refused::Excess(Excess::ListItems));
    let rows: Vec<Vec<i32>> = vec![vec![1; 100]; 250];
    assert_eq!(refused(json!({ "v": rows })), Refused::Excess(Excess::Values));
    assert!(asked(query, json!({ "v": vec![1; 500] })).is_ok());
}

#[test]
fn an_operation_can_cost_too_much() {
    let page = |inner: &str| format!("m(first: 100) {{ nodes {{ {inner} }} }}");
    assert_eq!(excess(&format!("{{ {} }}", page(&page(&page("id"))))), Excess::Cost);
}

#[test]
fn texts_and_comments_are_no_brackets() {
    let deep = "[".repeat(100);
    for source in [
        format!("{{ a(b: \"{deep}\") }}"),
        format!("{{ a(b: \"\\\"{deep}\") }}"),
        format!("{{ a(b: \"\"\"{deep} \\\"\"\" {deep}\"\"\") }}"),
        format!("# {deep}\n{{ a }}"),
    ] {
        assert_eq!(scan(&source), Ok(()), "{source}");
    }
    for source in ["\"", "\"\\", "\"\"\"", "\"\"\"\\", "{ a(b: \"x\n) }", "é", "\u{feff}{ a }"] {
        assert_eq!(scan(source), Ok(()), "{source}: whether it makes sense is for the parser");
    }
    assert!(scan(&format!("\"x\n{deep}")).is_err(), "a text ends with its line");
}

#[test]
fn a_document_of_many_brackets_never_gets_to_the_parser() {
    let deep = "[".repeat(200_000);
    // To the parser, a block without an end is an empty text with another one behind it.
    for before in ["", "\"\"\"x\" ", "[\"\"\"\" \"\"\" "] {
        let brackets = format!("{{ a(b: {before}{deep}");
        assert_eq!(scan(&brackets), Err(Refused::Excess(Excess::Nesting)), "{before}");
    }
}

#[test]
fn a_chain_of_fragments_ends_before_the_stack_does() {
    let mut chain = "{ ...F0 }".to_owned();
    for level in 0..99 {
        let (open, close) = ("... {".repeat(8), "}".repeat(8));
        write!(chain, " fragment F{level} on Query {{ {open} ...F{} {close} }}", level + 1).unwrap();
    }
    chain.push_str(" fragment F99 on Query { a }");
    assert_eq!(excess(&chain), Excess::Nesting);
}

#[test]
fn what_is_defined_is_counted_before_the_parser_sees_it() {
    let refused = |source: &str| scan(source).expect_err("it is too much");
    let operations = |count| "query Q($a: In = { b: 1 }) { version } ".repeat(count);
    let fragments = |count| "fragment F on Query @a(b: {}) { a { b } } ".repeat(count);
    let directives = |count: usize| format!("query({}) {{ version }}", "$a: Int @a ".repeat(count));
    assert_eq!(scan(&operations(20)), Ok(()));
    assert_eq!(refused(&operations(21)), Refused::Excess(Excess::Operations));
    assert_eq!(scan(&fragments(100)), Ok(()));
    assert_eq!(refused(&fragments(101)), Refused::Excess(Excess::Fragments));
    assert_eq!(scan(&directives(50)), Ok(()));
    assert_eq!(refused(&directives(51)), Refused::Excess(Excess::Directives));
    assert_eq!(scan(&directives(50).repeat(15)), Ok(()), "each operation has its own");
    assert_eq!(scan(&format!("# {0}\n{{ a(b: \"{0}\") }}", "@".repeat(60))), Ok(()), "texts have none");
}
