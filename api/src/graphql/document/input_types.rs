//! Whether the values of variables have the types that the operation declares. It is the one thing about a document that
//! the library's validation has to look at anew with every request.

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Any, InputType, OutputType, Value, Variables};

/// The types of everything that can be sent.
pub struct InputTypes(Registry);

impl InputTypes {
    /// Those of a schema with these roots.
    pub fn of<Query: OutputType, Mutation: OutputType>() -> Self {
        let mut registry = Registry::default();
        Query::create_type_info(&mut registry);
        Mutation::create_type_info(&mut registry);
        // What gateways send to the field `_entities`, which the library adds to the roots.
        <Any as InputType>::create_type_info(&mut registry);
        registry.types.retain(|_, kind| {
            matches!(kind, MetaType::Scalar { .. } | MetaType::Enum { .. } | MetaType::InputObject { .. })
        });
        Self(registry)
    }

    /// Whether each value is of its variable's type. Where this says no, the library decides, and finds the words: so this
    /// may be stricter than the library and never less strict.
    pub fn fit(&self, operation: &OperationDefinition, variables: &Variables) -> bool {
        operation.variable_definitions.iter().all(|variable| {
            let variable = &variable.node;
            match variables.get(&variable.name.node) {
                // Because of its default it may stand where null may not.
                Some(Value::Null) if variable.default_value.is_some() => false,
                Some(value) => self.is_of(&variable.var_type.node, value),
                None => variable.var_type.node.nullable || variable.default_value.is_some(),
            }
        })
    }

    /// Whether a value is of a type as a document writes it.
    fn is_of(&self, kind: &Type, value: &Value) -> bool {
        match (value, &kind.base) {
            (Value::Null, _) => kind.nullable,
            (Value::List(items), BaseType::List(item)) => items.iter().all(|value| self.is_of(item, value)),
            // A single value stands for a list of one.
            (_, BaseType::List(item)) => self.is_of(item, value),
            (_, BaseType::Named(name)) => self.is_of_named(name, value),
        }
    }

    /// Whether a value is of a type as the schema writes it.
    fn is_of_written(&self, kind: &str, value: &Value) -> bool {
        match (MetaTypeName::create(kind), value) {
            (MetaTypeName::NonNull(_), Value::Null) => false,
            (_, Value::Null) => true,
            (MetaTypeName::NonNull(kind), _) => self.is_of_written(kind, value),
            (MetaTypeName::List(item), Value::List(items)) => {
                items.iter().all(|value| self.is_of_written(item, value))
            }
            (MetaTypeName::List(item), _) => self.is_of_written(item, value),
            (MetaTypeName::Named(name), _) => self.is_of_named(name, value),
        }
    }

    fn is_of_named(&self, name: &str, value: &Value) -> bool {
        match (self.0.types.get(name), value) {
            (Some(MetaType::Scalar { is_valid, .. }), _) => {
                is_valid.as_ref().is_none_or(|is_valid| is_valid(value))
            }
            (Some(MetaType::Enum { enum_values, .. }), Value::String(name)) => {
                enum_values.contains_key(name.as_str())
            }
            (Some(MetaType::InputObject { input_fields, oneof, .. }), Value::Object(values)) => {
                let known = values.keys().all(|name| input_fields.contains_key(name.as_str()));
                let one =
                    !oneof || (values.len() == 1 && !values.values().any(|value| *value == Value::Null));
                let fields = || {
                    input_fields.values().all(|field| match values.get(field.name.as_str()) {
                        Some(value) => self.is_of_written(&field.ty, value),
                        None => {
                            !MetaTypeName::create(&field.ty).is_non_null() || field.default_value.is_some()
                        }
                    })
                };
                known && one && fields()
            }
            _ => false,
        }
    }
}

impl std::fmt::Debug for InputTypes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.types.keys()).finish()
    }
}
