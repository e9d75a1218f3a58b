//! The values of XML-RPC, and what Python would make of them.
//!
//! Pure. Invariant: members of a structure keep their order. Not here: XML (`xml`).

/// One value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Int(i64),
    Bool(bool),
    Text(String),
    Double(f64),
    /// `20261120T10:08:35`, as it came.
    Time(String),
    Array(Vec<Value>),
    Struct(Vec<(String, Value)>),
    /// A structure whose names we know: of these there may be a thousand in one answer.
    Fields(Vec<(&'static str, Value)>),
    /// COMPAT: types that Supervisor does not know, `<nil/>` among them.
    Nil,
}

impl Value {
    #[must_use]
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// A number of any width; what XML-RPC cannot carry is clamped when it is written.
    #[must_use]
    pub fn int(n: impl Into<i64>) -> Value {
        Value::Int(n.into())
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What Python's `str` makes of it; short of what nobody sends.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Value::Text(text) | Value::Time(text) => text.clone(),
            Value::Int(n) => n.to_string(),
            Value::Double(x) => format!("{x:?}"),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Array(values) if values.is_empty() => "[]".to_owned(),
            Value::Struct(members) if members.is_empty() => "{}".to_owned(),
            _ => String::new(),
        }
    }

    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A member of a structure; the last one of a name counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(members) => members.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v),
            Value::Fields(members) => members.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// COMPAT: clients pass 1, "1" and true for `wait`; Python asks for truth, not for a type.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Value::Int(n) => *n != 0,
            Value::Bool(b) => *b,
            Value::Text(text) | Value::Time(text) => !text.is_empty(),
            Value::Double(x) => *x != 0.0,
            Value::Array(values) => !values.is_empty(),
            Value::Struct(members) => !members.is_empty(),
            Value::Fields(members) => !members.is_empty(),
            Value::Nil => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_pythons() {
        for (value, want) in [
            (Value::Int(-3), "-3"),
            (Value::Bool(true), "True"),
            (Value::Double(1.0), "1.0"),
            (Value::Double(-0.25), "-0.25"),
            (Value::Array(vec![]), "[]"),
            (Value::Struct(vec![]), "{}"),
            (Value::text("'a'"), "'a'"),
        ] {
            assert_eq!(value.shown(), want, "{value:?}");
        }
    }

    #[test]
    fn truth_is_pythons() {
        for (value, want) in [
            (Value::Int(0), false),
            (Value::Int(-1), true),
            (Value::text(""), false),
            (Value::text("0"), true),
            (Value::Bool(false), false),
            (Value::Nil, false),
            (Value::Array(vec![]), false),
        ] {
            assert_eq!(value.is_true(), want, "{value:?}");
        }
    }
}
