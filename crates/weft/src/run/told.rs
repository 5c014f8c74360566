//! What a request comes to, in one sentence for whoever asked.

use weft_control::control::Control;
use weft_control::event::Request;
use weft_core::id::MoveId;

/// What a request comes to.
pub(super) fn told(request: &Request, control: &Control) -> String {
    let named = |id: &MoveId| {
        let found = control.moves().find(|tracked| tracked.planned.id == *id);
        found.map_or_else(
            || id.to_string(),
            |tracked| format!("{id} of {}", tracked.planned.workload),
        )
    };
    match request {
        Request::Approve(id) => {
            let needed = control.approved_with(*id);
            let needed: Vec<_> = needed.iter().filter(|each| *each != id).map(&named).collect();
            let needed = match needed.as_slice() {
                [] => String::new(),
                needed => format!(", with {}, which it waits for", needed.join(" and ")),
            };
            format!("{} is approved{needed}", named(id))
        }
        Request::Reject(id) => {
            format!("{} is rejected; the workload is left alone for a while", named(id))
        }
        Request::Cancel(id) => format!("{} is told to stop", named(id)),
        Request::Pause => "paused: nothing is started until resumed".to_owned(),
        Request::Resume => "resumed".to_owned(),
        Request::Kill => "killed: nothing is started, and what runs is cancelled".to_owned(),
        Request::Drain(host) => format!("{host} is being drained"),
        Request::Undrain(host) => format!("{host} takes workloads again"),
        Request::SetPolicy(policy) => format!("policy `{}` is in force", policy.name),
    }
}
