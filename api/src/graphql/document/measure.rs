//! The size of a parsed document, and what its operation costs.
//!
//! The cost is an estimate of the objects in the answer: 1 for each object, times the length of the page that it is on or
//! of the list that names it, which is paid for also when nothing is found; nothing for scalars; 10 more for each field of
//! a mutation, and 2 for each thing that it does of a list; 200 for each look at the schema itself, whatever is selected of it.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentSpread, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

use super::{Excess, Refused};

/// What one field of a mutation costs besides its answer.
const MUTATION: u64 = 10;
/// What each item of a mutation that does many things costs besides its answer.
const ITEM_OF_MANY: u64 = 2;
/// What a look at the schema costs.
const INTROSPECTION: u64 = 200;
/// The longest page; a longer one is refused when it is resolved.
const LONGEST_PAGE: u64 = 100;

/// Arguments that name objects, each of which is looked for.
const NAMING: [&str; 2] = ["ids", "representations"];

/// Fields of an `input` that list what a mutation does, one thing for each item.
const DOING: [&str; 1] = ["purchases"];

/// Fields of the schema's types that list types or fields.
const SCHEMA_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// What an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// An estimate of the objects in its answer.
    pub cost: u64,
    /// What part of the cost does not depend on the answer.
    pub base: u64,
    /// How many objects it names in lists, to be looked for one by one.
    pub named: u64,
    /// What part of the cost is for things that it does of a list: they wait for the ledger, and leave the processor to others.
    pub of_many: u64,
    /// Whether it asks for the schema itself.
    pub introspects: bool,
}

/// Measures every operation of a document with its variables, and the cost of one of them.
pub fn measure(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<Asked, Refused> {
    Excess::Operations.check(count(document.operations.iter().len()))?;
    Excess::Fragments.check(count(document.fragments.len()))?;
    check_values(variables)?;
    let mut measurer = Measurer { document, operation, variables, fragments: HashMap::new() };
    for (name, fragment) in &document.fragments {
        let size = measurer.fragment(name, fragment.pos, 0)?;
        Excess::Selections.check(size.selections)?;
    }
    for (_, other) in document.operations.iter() {
        measurer.operation(&other.node)?;
    }
    let size = measurer.operation(operation)?;
    let mutation = if operation.ty == OperationType::Mutation { MUTATION } else { 0 };
    let base = size
        .fields
        .saturating_mul(mutation)
        .saturating_add(size.done.saturating_mul(ITEM_OF_MANY))
        .saturating_add(size.introspections.saturating_mul(INTROSPECTION));
    let of_many = size.of_many.saturating_add(size.done.saturating_mul(ITEM_OF_MANY));
    let cost = base.saturating_add(size.objects).saturating_add(size.items);
    Excess::Cost.check(cost)?;
    Ok(Asked { cost, base, named: size.named, of_many, introspects: size.introspections > 0 })
}

/// How much is in a set of selections, spread fragments included.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Fields of the set itself.
    fields: u64,
    /// Fields of the set and below.
    selections: u64,
    aliases: u64,
    directives: u64,
    /// Sets below one another.
    depth: u64,
    /// Objects, but for those on the page of the field that the set belongs to.
    objects: u64,
    /// Objects of one item on that page.
    items: u64,
    /// Objects that lists name.
    named: u64,
    /// Items of lists of what is done.
    done: u64,
    /// Objects in the answers of these.
    of_many: u64,
    /// Fields that show the schema.
    introspections: u64,
    /// Fields within each other that, in a look at the schema, list what leads back to where they are.
    schema_lists: u64,
}

/// A fragment that is being measured, or was.
#[derive(Debug, Clone, Copy)]
enum Fragment {
    Begun,
    Measured(Size),
}

struct Measurer<'a> {
    document: &'a ExecutableDocument,
    /// Whose variables have defaults.
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    fragments: HashMap<&'a Name, Fragment>,
}

impl<'a> Measurer<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Size, Refused> {
        Excess::Variables.check(count(operation.variable_definitions.len()))?;
        let mut size = self.set(&operation.selection_set.node, 0)?;
        let of_variables =
            operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
        let directives = of_variables.fold(operation.directives.len(), usize::saturating_add);
        size.directives = size.directives.saturating_add(count(directives));
        Excess::RootFields.check(size.fields)?;
        Excess::Selections.check(size.selections)?;
        Excess::Aliases.check(size.aliases)?;
        Excess::Directives.check(size.directives)?;
        Excess::Depth.check(size.depth)?;
        Ok(size)
    }

    /// `level` counts what this is within, so that the descent ends before the stack does.
    fn set(&mut self, set: &'a SelectionSet, level: u64) -> Result<Size, Refused> {
        Excess::Nesting.check(level)?;
        let mut size = Size::default();
        for item in &set.items {
            let part = match &item.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::FragmentSpread(spread) => self.spread(spread, level)?,
                Selection::InlineFragment(inline) => {
                    let within = self.set(&inline.node.selection_set.node, level.saturating_add(1))?;
                    within.with_directives(&inline.node.directives)?
                }
            };
            size = size.and(part);
        }
        Ok(size)
    }

    fn spread(&mut self, spread: &'a Positioned<FragmentSpread>, level: u64) -> Result<Size, Refused> {
        let size = self.fragment(&spread.node.fragment_name.node, spread.pos, level)?;
        size.with_directives(&spread.node.directives)
    }

    /// A fragment is measured once, however often it is spread.
    fn fragment(&mut self, name: &'a Name, place: Pos, level: u64) -> Result<Size, Refused> {
        match self.fragments.get(name) {
            Some(Fragment::Measured(size)) => return Ok(*size),
            Some(Fragment::Begun) => return Err(Refused::Cycle(place)),
            None => {}
        }
        // That a fragment is not there is for the library to say.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.fragments.insert(name, Fragment::Begun);
        let size = self.set(&fragment.node.selection_set.node, level.saturating_add(1))?;
        let size = size.with_directives(&fragment.node.directives)?;
        self.fragments.insert(name, Fragment::Measured(size));
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, level: u64) -> Result<Size, Refused> {
        for (_, value) in &field.arguments {
            check_lists(&value.node)?;
        }
        let within = self.set(&field.selection_set.node, level.saturating_add(1))?;
        let name = field.name.node.as_str();
        let introspects = matches!(name, "__schema" | "__type" | "_service");
        if introspects {
            Excess::SchemaLists.check(within.schema_lists)?;
        }
        let cost = if introspects { 0 } else { self.cost(field, within) };
        let named = NAMING.iter().find_map(|argument| self.length(field, argument));
        let done = self.done(field);
        let cost = cost.saturating_mul(named.or(done).unwrap_or(1).max(1));
        // These hold one object for each item on the page; how many those are, the field above says.
        let on_page = matches!(name, "nodes" | "edges") && field.get_argument("ids").is_none();
        let size = Size {
            fields: 1,
            selections: within.selections.saturating_add(1),
            aliases: within.aliases.saturating_add(field.alias.is_some().into()),
            directives: within.directives,
            depth: within.depth.saturating_add(1),
            objects: if on_page { 0 } else { cost },
            items: if on_page { cost } else { 0 },
            named: within.named.saturating_add(named.unwrap_or(0)),
            done: within.done.saturating_add(done.unwrap_or(0)),
            of_many: if done.is_some() { cost } else { within.of_many },
            introspections: within.introspections.saturating_add(introspects.into()),
            schema_lists: within.schema_lists.saturating_add(SCHEMA_LISTS.contains(&name).into()),
        };
        size.with_directives(&field.directives)
    }

    fn cost(&self, field: &Field, within: Size) -> u64 {
        if field.selection_set.node.items.is_empty() {
            return 0;
        }
        let page = ["first", "last"].iter().find_map(|name| self.number(field, name)).unwrap_or(1);
        let on_page = page.clamp(1, LONGEST_PAGE).saturating_mul(within.items);
        within.objects.saturating_add(on_page).saturating_add(1)
    }

    fn number(&self, field: &Field, argument: &str) -> Option<u64> {
        match &field.get_argument(argument)?.node {
            Value::Number(number) => number.as_u64(),
            Value::Variable(name) => match self.variable(name)? {
                Constant::Number(number) => number.as_u64(),
                _ => None,
            },
            _ => None,
        }
    }

    fn length(&self, field: &Field, argument: &str) -> Option<u64> {
        match &field.get_argument(argument)?.node {
            Value::List(items) => Some(count(items.len())),
            Value::Variable(name) => list_length(self.variable(name)?),
            _ => None,
        }
    }

    /// How many things a mutation does of a list in its input, which may be a variable as a whole or in part.
    fn done(&self, field: &Field) -> Option<u64> {
        match &field.get_argument("input")?.node {
            Value::Object(fields) => match DOING.iter().find_map(|name| fields.get(*name))? {
                Value::List(items) => Some(count(items.len())),
                Value::Variable(name) => list_length(self.variable(name)?),
                _ => None,
            },
            Value::Variable(name) => match self.variable(name)? {
                Constant::Object(fields) => list_length(DOING.iter().find_map(|name| fields.get(*name))?),
                _ => None,
            },
            _ => None,
        }
    }

    fn variable(&self, name: &Name) -> Option<&Constant> {
        self.variables.get(name).or_else(|| {
            let defined = self.operation.variable_definitions.iter();
            let variable =
                defined.map(|variable| &variable.node).find(|variable| variable.name.node == *name)?;
            variable.default_value.as_ref().map(|value| &value.node)
        })
    }
}

impl Size {
    /// Both sets in one.
    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            objects: self.objects.saturating_add(other.objects),
            items: self.items.saturating_add(other.items),
            named: self.named.saturating_add(other.named),
            done: self.done.saturating_add(other.done),
            of_many: self.of_many.saturating_add(other.of_many),
            introspections: self.introspections.saturating_add(other.introspections),
            schema_lists: self.schema_lists.max(other.schema_lists),
        }
    }

    fn with_directives(self, directives: &[Positioned<Directive>]) -> Result<Self, Refused> {
        for directive in directives {
            for (_, value) in &directive.node.arguments {
                check_lists(&value.node)?;
            }
        }
        Ok(Self { directives: self.directives.saturating_add(count(directives.len())), ..self })
    }
}

fn list_length(value: &Constant) -> Option<u64> {
    match value {
        Constant::List(items) => Some(count(items.len())),
        _ => None,
    }
}

/// How deep values may be nested in a document is known before it is parsed.
fn check_lists(value: &Value) -> Result<(), Refused> {
    match value {
        Value::List(items) => {
            Excess::ListItems.check(count(items.len()))?;
            items.iter().try_for_each(check_lists)
        }
        Value::Object(fields) => fields.values().try_for_each(check_lists),
        _ => Ok(()),
    }
}

/// How deep variables may be nested is for the reader of JSON to say.
fn check_values(variables: &Variables) -> Result<(), Refused> {
    fn values(value: &Constant) -> Result<u64, Refused> {
        let sum = |sum: u64, value| Ok(sum.saturating_add(values(value)?));
        match value {
            Constant::List(items) => {
                Excess::ListItems.check(count(items.len()))?;
                items.iter().try_fold(1, sum)
            }
            Constant::Object(fields) => fields.values().try_fold(1, sum),
            _ => Ok(1),
        }
    }
    let all = variables.values().try_fold(0_u64, |sum, value| Ok(sum.saturating_add(values(value)?)))?;
    Excess::Values.check(all)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
