//! Escapes for targets that expand parts of a text, for values that must arrive as they are.

/// Kubernetes replaces `$(NAME)` in arguments and variables; `$$(` stands for `$(`.
pub(crate) fn for_kubernetes(text: &str) -> String {
    text.replace("$(", "$$(")
}

/// Compose replaces `$NAME` and `${NAME}` in every value; `$$` stands for `$`.
pub(crate) fn for_compose(text: &str) -> String {
    text.replace('$', "$$")
}

/// Nomad replaces `${name}` in the settings of tasks, and knows no escape for it. A text that holds `${` has no form that arrives.
pub(crate) fn has_form_in_nomad(text: &str) -> bool {
    !text.contains("${")
}

/// Templates of Nomad replace `{{ … }}`. In JSON, braces follow each other only inside of texts, and a dollar is only there:
/// so both can be written as JSON's own escapes.
pub(crate) fn json_for_nomad_template(json: &str) -> String {
    json.replace("{{", "{\\u007b").replace('$', "\\u0024")
}

/// Returns a regular expression (RE2) that matches a text and no other.
pub(crate) fn exact_expression(text: &str) -> String {
    let mut expression = String::from("^");
    for sign in text.chars() {
        if sign.is_ascii_punctuation() {
            expression.push('\\');
        }
        expression.push(sign);
    }
    expression.push('$');
    expression
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_target_has_its_own_escape() {
        assert_eq!(for_kubernetes("$HOME $(HOME) $$"), "$HOME $$(HOME) $$");
        assert_eq!(for_compose("$HOME ${HOME}"), "$$HOME $${HOME}");
        assert_eq!(exact_expression("${a.b}-c"), r"^\$\{a\.b\}\-c$");
    }

    #[test]
    fn json_in_a_template_stays_the_same_document() {
        let document = json!({"{{ env }}": ["{{{{", {"a": {"b": "${node.unique.name} {{ with }}"}}], "c": [{}, {}]});
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let escaped = json_for_nomad_template(&text);
            assert!(!escaped.contains("{{") && !escaped.contains('$'), "{escaped}");
            assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), document);
        }
    }
}
