//! Where variables come from beside `environment`: files, folders, and our own environment.
//!
//! Pure: nothing is opened here, because the files are read at each start (`spawn::env_sources`).

use super::words::{word, words};
use super::{Bad, Input, kind_of, pairs};
use crate::config::model::{EnvPath, Inherit};
use crate::config::paths::expand_user;
use crate::config::raw::RawValue;

/// BOUND: files of one program; each is opened at each start.
const MAX_FILES: usize = 64;

/// One or several paths; one with a `?` at its end may be missing.
pub(crate) fn paths(input: &Input<'_>) -> Result<Vec<EnvPath>, Bad> {
    let texts: Vec<String> = match input.value {
        RawValue::List(items) => {
            items.iter().map(|value| word(&Input { value, ..*input })).collect::<Result<_, _>>()?
        }
        _ => word(input)?.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect(),
    };
    if texts.len() > MAX_FILES {
        return Err(Bad::new(format!("{} files are too many", texts.len())).hint("name at most 64"));
    }
    texts.iter().map(|text| path(text, input)).collect()
}

fn path(text: &str, input: &Input<'_>) -> Result<EnvPath, Bad> {
    let (bare, optional) = text.strip_suffix('?').map_or((text, false), |bare| (bare.trim_end(), true));
    if bare.is_empty() || bare.contains('\0') {
        return Err(Bad::new("a path is empty").hint("write a path such as /run/secrets/web.env"));
    }
    Ok(EnvPath { path: expand_user(bare, input.world).into(), optional })
}

/// As it is written.
pub(crate) fn shown(path: &EnvPath) -> String {
    format!("{}{}", path.path.to_string_lossy(), if path.optional { "?" } else { "" })
}

/// Variables and the files with their values.
pub(crate) fn from_file(input: &Input<'_>) -> Result<Vec<(String, EnvPath)>, Bad> {
    let read = pairs::pairs(input)?;
    if let Some(cut) = read.cut {
        return Err(Bad::new(format!("the path of `{cut}` is cut"))
            .hint("put the whole path in quotes: NAME=\"/run/secrets/x\""));
    }
    if read.pairs.len() > MAX_FILES {
        return Err(Bad::new(format!("{} files are too many", read.pairs.len())).hint("name at most 64"));
    }
    read.pairs.into_iter().map(|(name, text)| Ok((name, path(&text, input)?))).collect()
}

/// `true`, `false`, or names of which each may end in `*`.
pub(crate) fn inherit(input: &Input<'_>) -> Result<Inherit, Bad> {
    if let RawValue::Bool(all) = input.value {
        return Ok(if *all { Inherit::All } else { Inherit::Only(Vec::new()) });
    }
    if matches!(input.value, RawValue::Table(_)) {
        return Err(Bad::new(format!("expected names, found {}", kind_of(input.value))));
    }
    let names = words(input)?;
    match names.as_slice() {
        [] => Ok(Inherit::Only(names)),
        [one] if super::boolean_word(one).is_some() => {
            Ok(if super::boolean_word(one) == Some(true) { Inherit::All } else { Inherit::Only(Vec::new()) })
        }
        all => match all.iter().find(|n| n.trim_end_matches('*').contains(['=', '*', '\0'])) {
            Some(name) => Err(Bad::new(format!("`{name}` cannot be the name of a variable"))
                .hint("write names, of which each may end in `*`")),
            None => Ok(Inherit::Only(names)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Dialect;
    use crate::config::testing::FakeWorld;

    fn read<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, Bad> {
        let value = RawValue::Text(text.into());
        convert(&Input {
            value: &value,
            dialect: Dialect::Ini,
            line: "",
            create_directories: false,
            world: &FakeWorld::default(),
        })
    }

    #[test]
    fn paths_may_be_optional() {
        let all = read("/a.env, ~/b ?,", paths).expect("good");
        assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), ["/a.env", "/root/b?"]);
        assert!(read("?", paths).is_err());
    }

    #[test]
    fn what_is_inherited_is_all_none_or_named() {
        assert_eq!(read("true", inherit), Ok(Inherit::All));
        assert_eq!(read("no", inherit), Ok(Inherit::Only(vec![])));
        assert_eq!(read("PATH, LC_*", inherit), Ok(Inherit::Only(vec!["PATH".into(), "LC_*".into()])));
        assert!(read("A*B", inherit).is_err());
    }

    #[test]
    fn a_path_that_is_cut_is_refused() {
        assert_eq!(read("A=\"/run/secrets/a\",B='/b?'", from_file).map(|f| f.len()), Ok(2));
        assert!(read("A=/run/secrets/$x", from_file).is_err());
    }
}
