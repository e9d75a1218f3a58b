use super::*;

fn names() -> Names {
    let mut names = Names::default();
    names.set("program_name", "web");
    names.set("ENV_PCT", "a%b");
    names.set_int("process_num", 7);
    names
}

#[test]
fn directives_are_formatted_as_python_formats_them() {
    for (text, want) in [
        ("plain", "plain"),
        ("%(program_name)s_%(process_num)02d", "web_07"),
        ("100%%", "100%"),
        ("%(program_name)5s|%(program_name)-5s|%(program_name).2s", "  web|web  |we"),
        ("%(process_num)3d|%(process_num)-3d|%(process_num)+d|%(process_num)s", "  7|7  |+7|7"),
        ("%(process_num)#x %(process_num).3d", "0x7 007"),
        ("%(ENV_PCT)s", "a%b"),
        ("%(program_name)r", "'web'"),
        ("%(process_num)c%(process_num)3c|", "\u{7}  \u{7}|"),
        ("%(process_num)f %(process_num)08.1f|%(process_num)+G", "7.000000 000007.0|+7"),
    ] {
        assert_eq!(expand(text, &names()).unwrap(), want, "{text}");
    }
}

#[test]
fn an_unknown_name_is_named() {
    assert_eq!(expand("a %(nope)s", &names()), Err(ExpandError::Unknown("nope".into())));
    assert_eq!(
        ExpandError::Unknown("nope".into()).supervisor("%(nope)s", "program:a.command", &names()),
        "Format string '%(nope)s' for 'program:a.command' contains names ('nope') which cannot be expanded. \
         Available names: ENV_PCT, process_num, program_name"
    );
}

#[test]
fn a_bare_directive_never_prints_the_dictionary() {
    assert_eq!(expand("date +%s", &names()), Err(ExpandError::Bare('s')));
}

#[test]
fn malformed_texts_get_pythons_reasons() {
    for (text, why) in [
        ("date +%Y", "unsupported format character 'Y' (0x59) at index 7"),
        ("50%", "incomplete format"),
        ("%(program_name)%", "unsupported format character '%' (0x25) at index 15"),
        ("%5%", "unsupported format character '%' (0x25) at index 2"),
        ("%(a", "incomplete format key"),
        ("%d", "%d format: a real number is required, not dict"),
        ("%(program_name)d", "%d format: a real number is required, not str"),
        ("%(program_name)s %s", "not enough arguments for format string"),
        ("%(program_name)*s", "* wants int"),
        ("%(process_num)*s", "not enough arguments for format string"),
        ("%(program_name)s %*s", "not enough arguments for format string"),
        ("%*d", "* wants int"),
        ("é%é", "unsupported format character '?' (0xe9) at index 2"),
        ("%~", "unsupported format character '~' (0x7e) at index 1"),
        ("%\u{7f}", "unsupported format character '?' (0x7f) at index 1"),
        ("%\u{1f}", "unsupported format character '\u{1f}' (0x1f) at index 1"),
        ("%USER%", "unsupported format character 'U' (0x55) at index 1"),
    ] {
        assert_eq!(expand(text, &names()), Err(ExpandError::Malformed(why.into())), "{text}");
    }
}

#[test]
fn the_lenient_form_leaves_other_percent_signs_alone() {
    let text = "date +%s %% %(nope)s %(program_name)s-%(process_num)02d 100%";
    assert_eq!(expand_known(text, &names()), "date +%s %% %(nope)s web-07 100%");
}

#[test]
fn a_width_beyond_the_bound_is_refused() {
    assert!(expand("%(program_name)99999999s", &names()).is_err());
}

#[test]
fn a_name_is_looked_up_before_the_rest_of_its_directive_is_read() {
    for text in ["%(nope)", "%(nope)q", "%(nope)*d"] {
        assert_eq!(expand(text, &names()), Err(ExpandError::Unknown("nope".into())), "{text}");
    }
}
