//! The HTTP server around the API: its runtime, its socket, its graceful end. It decides nothing.

use std::net::SocketAddr;

use anyhow::Context;
use axum::ServiceExt;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::api::{self, App};
use crate::cli::Failure;

/// A server that listens, and serves until it is told to stop.
#[derive(Debug)]
pub struct Web {
    runtime: Runtime,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Web {
    /// Listens on `listen` (port 0 takes any that is free), without serving yet.
    pub fn listen(listen: SocketAddr) -> Result<(Self, TcpListener), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("weft-web")
            .enable_all()
            .build()
            .context("the web server's threads could not be started")
            .map_err(Failure::Outside)?;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen}; choose another address (--listen, or `listen` in the configuration)"))
            .map_err(Failure::Outside)?;
        let address = listener.local_addr().map_err(|error| Failure::Outside(error.into()))?;
        let (stop, _) = watch::channel(false);
        Ok((Self { runtime, address, stop }, listener))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the API and the dashboard from now on, in the background.
    pub fn serve(&self, listener: TcpListener, app: App) {
        self.serve_routes(listener, api::router(app));
    }

    /// Serves these routes from now on, in the background.
    pub fn serve_routes(&self, listener: TcpListener, router: axum::Router) {
        let mut stop = self.stop.subscribe();
        self.runtime.spawn(async move {
            let service =
                ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(router);
            let ended = async move {
                let _ = stop.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(ended).await {
                tracing::error!(%error, "the web server has ended");
            }
        });
    }

    /// Waits for SIGINT or SIGTERM in the background, then calls `then`.
    pub fn on_signal(&self, then: impl FnOnce() + Send + 'static) {
        self.runtime.spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            // The loop answers from its own thread; waiting here would hold the web server up.
            tokio::task::spawn_blocking(then);
        });
    }

    /// Calls `then` at every SIGHUP, in the background.
    pub fn on_hangup(&self, then: impl Fn() + Send + Sync + 'static) {
        let then = std::sync::Arc::new(then);
        self.runtime.spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
            while hangup.recv().await.is_some() {
                let then = then.clone();
                tokio::task::spawn_blocking(move || then());
            }
        });
    }

    /// Answers what is under way, then ends; streams are cut.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    }
}
