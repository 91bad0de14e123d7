//! What is tested from outside: the router, the commands, the documents, and the project's own rules.

mod backup_command;
mod calibrate_command;
mod cut_command;
mod deployment_webhooks;
mod deployments;
mod event_stream;
mod export_command;
mod http;
mod inventory_command;
mod key_command;
mod layering;
mod openapi;
mod openapi_changes;
mod plan_command;
mod postgres_url;
mod profile_command;
mod readme;
mod serve;
mod server;
mod several_servers;
mod telemetry;
mod webhook_guard;
mod webhooks;
