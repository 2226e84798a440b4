//! Whether the process lives, whether it can serve, and its metrics.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, http::header};
use futures_util::future::{BoxFuture, join_all};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;

use super::response::json;

/// How long a dependency may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

type Check = dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Something that the server needs or likes to have.
#[derive(Clone)]
pub struct Dependency {
    name: &'static str,
    required: bool,
    check: Arc<Check>,
}

impl Dependency {
    /// A dependency without which nothing can be served, such as the database.
    pub fn required<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, required: true, check: Arc::new(move || Box::pin(check())) }
    }

    /// A dependency without which the server only gets slower, such as the cache.
    pub fn optional<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { required: false, ..Self::required(name, check) }
    }

    async fn report(&self) -> Report {
        let problem = match tokio::time::timeout(PATIENCE, (self.check)()).await {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some(format!("no answer within {} seconds", PATIENCE.as_secs())),
        };
        if let Some(problem) = &problem {
            tracing::warn!(dependency = self.name, problem, "not ready");
        }
        Report { name: self.name, required: self.required, ready: problem.is_none() }
    }
}

/// What readiness says of one dependency. The reason is in the log only: it may name addresses.
#[derive(Debug, Serialize)]
struct Report {
    name: &'static str,
    required: bool,
    ready: bool,
}

#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    dependencies: Vec<Report>,
}

/// The process lives and its threads answer.
pub async fn live() -> HttpResponse {
    json(StatusCode::OK, "application/json", &Readiness { status: "live", dependencies: Vec::new() })
}

/// Every dependency is asked at the same time; a missing required one is a 503.
pub async fn ready(dependencies: Data<Vec<Dependency>>) -> HttpResponse {
    let dependencies = join_all(dependencies.iter().map(Dependency::report)).await;
    let missing =
        |required: bool| dependencies.iter().any(|report| !report.ready && report.required == required);
    let (code, status) = match (missing(true), missing(false)) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::OK, "ready"),
    };
    json(code, "application/json", &Readiness { status, dependencies })
}

/// The metrics in the text format of Prometheus.
pub async fn metrics(handle: Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(handle.render())
}
