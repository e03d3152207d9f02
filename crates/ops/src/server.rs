//! The endpoint for Prometheus and for probes: `/metrics`, `/startupz`, `/livez` and `/readyz`, on a small runtime in one thread
//! of its own, so that no amount of work elsewhere can keep it from answering.

use std::future::IntoFuture;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::sync::oneshot;

use crate::health::{Health, Trouble};

/// Why the endpoint cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not one of ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where it should have listened.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// No thread or runtime to be had.
    #[error("cannot start the thread of the metrics endpoint")]
    Thread(#[source] std::io::Error),
}

/// The running endpoint; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens from the return of this call on; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(address: SocketAddr, registry: Registry, health: Arc<Health>) -> Result<Self, ServerError> {
        let bind = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServerError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let server = axum::serve(listener, routes(registry, health)).into_future();
            // A scrape under way may be cut off: the process is ending. An error on the channel means the same as a word.
            tokio::select! {
                served = server => served,
                _ = stopped => Ok(()),
            }
        };
        let run = move || {
            if let Err(error) = runtime.block_on(serve) {
                tracing::error!(%error, "metrics endpoint ended");
            }
        };
        let thread =
            std::thread::Builder::new().name("ops".to_owned()).spawn(run).map_err(ServerError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens only where the thread has ended, which was then logged.
            let _ = stop.send(());
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("metrics endpoint panicked");
        }
    }
}

fn routes(registry: Registry, health: Arc<Health>) -> Router {
    let probes = Router::new()
        .route("/startupz", get(async |State(health): State<Arc<Health>>| answer(&health.startup())))
        .route("/livez", get(async |State(health): State<Arc<Health>>| answer(&health.live(Instant::now()))))
        .route("/readyz", get(async |State(health): State<Arc<Health>>| answer(&health.ready())))
        .with_state(health);
    Router::new().route("/metrics", get(metrics)).with_state(registry).merge(probes)
}

async fn metrics(State(registry): State<Registry>) -> Response {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be encoded");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
        }
    }
}

fn answer(troubles: &[Trouble]) -> (StatusCode, String) {
    if troubles.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, troubles.iter().map(|trouble| format!("{trouble}\n")).collect())
}
