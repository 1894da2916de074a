//! `PUT /api/v1/artifacts`, `GET /api/v1/entries/{service}/{seq}/artifact`: files that entries name.

use crate::http::{Answer, Call, Parameters, Problem};
use crate::question::{ask_words, principal};
use crate::server::Server;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use sealog_engine::artifact::{PutError, Sha};
use sealog_engine::disk::read_full;
use sealog_engine::hex;
use sealog_engine::limits;
use sealog_engine::model::check_tenant;
use sealog_engine::scan::Words;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

#[derive(Serialize)]
struct Kept {
    sha256: String,
    size: u64,
}

pub(super) async fn put(server: Arc<Server>, mut call: Call) -> Result<Answer, Problem> {
    let principal = principal(&call)?;
    let mut parameters = Parameters::parse(&call.query)?;
    let tenant = parameters.take("tenant")?.or(principal.only_tenant().map(str::to_owned));
    parameters.end()?;
    let tenant =
        tenant.ok_or_else(|| Problem::refused("tenant", "tenant: expected whose file it is, found none"))?;
    check_tenant(&tenant).map_err(|error| Problem::of_field(&error))?;
    let own = &principal.key().tenants;
    if !own.is_empty() && !own.contains(&tenant) {
        return Err(Problem::forbidden("tenant: this key may not keep files of this tenant").at("tenant"));
    }
    let body = call.body.take().ok_or_else(|| Problem::unread("body", "expected a file"))?;
    let time = Duration::from_secs(server.config.limits.body_seconds);
    let bytes_max = usize::try_from(limits::ARTIFACT_BYTES_MAX).unwrap_or(usize::MAX);
    let body = server.memory.gather(body, bytes_max, time).await?;
    let own = Arc::clone(&server);
    let work = move || {
        let stored =
            own.store.put_artifact(&tenant, &mut body.bytes.as_slice()).map_err(|error| match error {
                PutError::Store(error) => Problem::from(error),
                error => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            })?;
        Ok(Answer::json(&Kept { sha256: hex::encode(&stored.sha256), size: stored.size }))
    };
    server.work.append(work).await?
}

pub(super) async fn get(server: Arc<Server>, call: Call) -> Result<Answer, Problem> {
    let mut parameters = Parameters::parse(&call.query)?;
    let log = parameters.take("log")?;
    parameters.end()?;
    let mut words = Words::default();
    if let Some(log) = log {
        words.add("log", &log).map_err(crate::question::wrong_word)?;
    }
    let question = ask_words(&server, &call, words, "/api/v1/entries/{service}/{seq}/artifact")?;
    let service = call.part(0).to_owned();
    let seq: u64 = call.part(1).parse().map_err(|_| Problem::not_found())?;
    let (key, own) = (question.principal.id().to_owned(), Arc::clone(&server));
    let work = move || {
        let mut filter = question.filter.clone();
        filter.services = vec![service.clone()];
        let hit = own.store.view().entry(&question.reading.scope, &filter, &service, seq).next();
        let entry = hit.as_ref().and_then(|hit| hit.committed()).ok_or_else(Problem::not_found)?;
        let artifact = entry.entry.artifact.as_ref().ok_or_else(Problem::not_found)?;
        let bytes = own.artifact_bytes(&entry.entry.tenant, &artifact.sha256)?;
        let mut read = question.read.clone();
        read.rows = Some(1);
        own.note_read(&question.principal, &read);
        Ok::<_, Problem>((bytes, disposition(&artifact.name), artifact.media_type.to_string()))
    };
    let (bytes, disposition, media_type) = server.work.read(&key, work).await??;
    let mut answer = Answer::bytes(StatusCode::OK, "application/octet-stream", bytes)
        .with(CONTENT_DISPOSITION, &disposition)
        .with(CACHE_CONTROL, "private, no-cache")
        // Whatever it is, it runs nothing.
        .with(CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    // What a producer calls it, if that is a type.
    let is_type = |text: &str| {
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        text.split_once('/').is_some_and(|(kind, name)| is_plain(kind) && is_plain(name))
    };
    if let (true, Ok(value)) = (is_type(&media_type), HeaderValue::from_str(&media_type)) {
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    Ok(answer)
}

impl Server {
    /// A file that an entry of a tenant names. One that is not what its hash says is not given out.
    fn artifact_bytes(&self, tenant: &str, sha256: &Sha) -> Result<Vec<u8>, Problem> {
        let unread = |detail: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
        let opened = self.store.open_artifact(tenant, sha256)?.ok_or_else(Problem::not_found)?;
        if opened.length > limits::ARTIFACT_BYTES_MAX {
            return Err(unread("the file is longer than one may be; verify the store".to_owned()));
        }
        let mut bytes = vec![0; usize::try_from(opened.length).unwrap_or_default()];
        let count = read_full(&*opened.file, &mut bytes, 0)
            .map_err(|error| unread(format!("the file does not read: {error}")))?;
        bytes.truncate(count);
        if Sha::from(Sha256::digest(&bytes)) != *sha256 {
            return Err(unread("the file is not what its hash says; verify the store".to_owned()));
        }
        Ok(bytes)
    }
}

/// A download under its name (RFC 6266), in which nothing is left that could be a path or end a header.
fn disposition(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' })
        .take(100)
        .collect();
    let plain = if plain.trim_matches(['.', ' ']).is_empty() { "download".to_owned() } else { plain };
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", crate::http::parameters::encode(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_hold_no_path_and_no_header() {
        assert_eq!(
            disposition("../a/re\"port\r\n ä.pdf"),
            "attachment; filename=\"re_port__ _.pdf\"; filename*=UTF-8''re%22port%0D%0A%20%C3%A4.pdf"
        );
        assert!(disposition("").contains("\"download\""));
        assert!(disposition("..").contains("\"download\""));
    }
}
