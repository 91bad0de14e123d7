//! The router with a real store and queue behind it; every answer is held against the OpenAPI document.

mod bad_input;
mod by_hand;
mod clusters;
mod damaged;
mod deployment_events;
mod deployments;
mod events;
mod explanations;
mod exports;
mod frame;
mod imports;
mod jobs;
mod keys;
mod limits;
mod measurements;
mod metrics;
mod models;
mod old_database;
mod page;
mod pipelines;
mod placements;
mod service;
mod space;
mod validation;
mod webhooks;
