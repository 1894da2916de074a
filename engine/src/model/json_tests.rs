//! What the JSON form accepts and how it refuses.

use super::*;

fn read(text: &str) -> Result<Entry<'_>, String> {
    parse_entry(text.as_bytes(), Accept::Entry).map_err(|error| error.to_string())
}

#[test]
fn reads_every_field() {
    let text = r#"{"tenant":"acme","organization":"eu","service":"mail-api","id":"e1",
        "generated_at":"2026-01-02T03:04:05Z","severity":"WARN","activity":"login",
        "actor":{"type":"user","id":"u-1","name":"Zo\u00eb"},"on_behalf_of":"peer","object":{"id":"o","name":"n"},
        "request_id":"r","configuration_id":"c","success":false,"message":"a\u0000b\n","started":"2026-01-02T03:04:05Z",
        "finished":"2026-01-02T03:04:06Z","process":{"id":"p","parent":"q","event":"failed"},
        "artifact":{"sha256":"00000000000000000000000000000000000000000000000000000000000000ff","name":"r.pdf",
        "media_type":"application/pdf","size":12},"attributes":{"b":"2","a":"1"}}"#;
    let entry = read(text).unwrap();
    assert_eq!(entry.severity, Severity::Warning);
    assert_eq!(entry.actor.name, "Zoë");
    assert_eq!(entry.message, "a\0b\n");
    assert_eq!(entry.process.as_ref().unwrap().event, ProcessEvent::Failed);
    assert_eq!(entry.artifact.as_ref().unwrap().sha256[31], 255);
    assert_eq!(entry.attributes.len(), 2);
    assert!(matches!(entry.tenant, Cow::Borrowed(_)), "a text without escapes is not copied");
    let again = serde_json::to_string(&entry).unwrap();
    assert_eq!(parse_entry(again.as_bytes(), Accept::Entry).unwrap(), entry);
}

#[test]
fn null_and_empty_are_absent() {
    let entry = read(
        r#"{"tenant":"t","service":"s","activity":"a","id":null,"actor":null,"object":{},"process":{},"artifact":null,
        "attributes":{},"message":"","success":null,"severity":null,"started":null}"#,
    )
    .unwrap();
    let plain = Entry { tenant: "t".into(), service: "s".into(), activity: "a".into(), ..Entry::default() };
    assert_eq!(entry, plain);
}

#[test]
fn errors_name_the_field_what_was_expected_and_found() {
    for (text, wanted) in [
        (r#"{"tennant":"t"}"#, "unknown field `tennant`"),
        (r#"{"tenant":"t","tenant":"u"}"#, "field `tenant` is given twice"),
        (r#"{"tenant":5}"#, "field `tenant`: expected a text, found the number 5"),
        (r#"{"message":["x"]}"#, "field `message`: expected a text, found a list"),
        (r#"{"success":"yes"}"#, "field `success`: expected true or false, found the text \"yes\""),
        (r#"{"severity":"loud"}"#, "field `severity`: expected one of trace,"),
        (r#"{"generated_at":"yesterday"}"#, "field `generated_at`: expected an RFC 3339 time"),
        (r#"{"generated_at":"9999-01-01T00:00:00Z"}"#, "field `generated_at`: expected a time from 1677"),
        (
            r#"{"generated_at":1700000000}"#,
            "field `generated_at`: expected an RFC 3339 time, found the number",
        ),
        (
            r#"{"actor":"u"}"#,
            "field `actor`: invalid type: string \"u\", expected an object with type, id and name",
        ),
        (r#"{"actor":{"kind":"u"}}"#, "field `actor`: unknown field `kind`"),
        (r#"{"actor":{"id":7}}"#, "field `actor.id`: expected a text, found the number 7"),
        (r#"{"actor":{"id":"a","id":"a"}}"#, "field `actor.id` is given twice"),
        (r#"{"attributes":{"a":1}}"#, "field `attributes.a`: expected a text, found the number 1"),
        (r#"{"attributes":{"a":"1","a":"1"}}"#, "field `attributes.a` is given twice"),
        (r#"{"process":{"event":"exploded"}}"#, "field `process.event`: expected one of started"),
        (r#"{"artifact":{"sha256":"12"}}"#, "field `artifact.sha256`: expected 64 hex digits"),
        (r#"{"artifact":{"name":"x"}}"#, "field `artifact.sha256`: expected the file's SHA-256"),
        (r#"{"seq":1}"#, "field `seq` is set by the log"),
        (r#"{"message":"\ud800"}"#, "message"),
        ("{\"message\":\"a\0b\"}", "message"),
        (r#"{"tenant":"t"} {"#, "trailing characters"),
        (r#"[]"#, "expected one JSON object"),
        (r#""#, "EOF"),
        (r#"{"tenant":"t""#, "EOF"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
        assert!(error.starts_with("column "), "{error}");
        assert!(!error.contains(" at line "), "{error}");
    }
}

#[test]
fn an_export_is_accepted_when_asked_for() {
    let text = r#"{"service":"s","seq":4,"tenant":"t","tenant_seq":1,"logged_at":"2026-01-02T03:04:05.000000000Z",
        "logged_by":"sealog@h","severity":"error","activity":"a"}"#;
    let entry = parse_entry(text.as_bytes(), Accept::Export).unwrap();
    assert_eq!(entry.attributes, [("imported.logged_at".into(), "2026-01-02T03:04:05.000000000Z".into())]);
    assert!(read(text).is_err());
}

#[test]
fn sixty_five_attributes_are_refused_before_they_are_kept() {
    let pairs: Vec<String> = (0..65).map(|i| format!("\"k{i}\":\"v\"")).collect();
    let text = format!("{{\"attributes\":{{{}}}}}", pairs.join(","));
    assert!(read(&text).unwrap_err().contains("at most 64 pairs"));
}
