//! The typed control API: the one language between core and gateway, and between the gateway and the engine's commands.
//!
//! Pure data and a codec; does no I/O. Invariant: every `Request` gets exactly one `Reply` with the same id,
//! but for `Subscribe`, which gets a `Push` for each event, and `Unsubscribe`, which gets none.
//! Not here: XML-RPC and HTTP (`gateway`), what a command does (`engine`), the socket (`daemon`, `gateway`).

mod api;
mod explain;
mod fault;
mod frame;
mod place;
mod plan;
mod state;
mod stats;

pub use api::{
    Check, Command, Event, HealthKind, HealthReport, Hello, Ident, LastEnd, ListenerKind, ListenerSpec,
    LogInfo, LogOf, LogReply, Outcome, ProcessInfo, ProgramInfo, Push, Reply, Request, Send, Snapshot,
    Target, TargetResult,
};
pub use explain::{End, EndReason, Explained, Outlook, Used, duration};
pub use fault::{Fault, FaultCode};
pub use frame::{FrameError, FrameReader, MAX_FRAME_BYTES, encode};
pub use place::{FIRST_LISTENER_FD, LINK_FD, default_socket_paths};
pub use plan::{Plan, SettingChange, Step, StepKind};
pub use state::State;
pub use stats::{CheckInfo, CheckKind, ProcessStats, SelfStats};
