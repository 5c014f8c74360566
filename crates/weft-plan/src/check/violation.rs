//! What the checker finds: one variant for each thing that a plan or a placement can break, with
//! the data to say which, where and when. It must never say less than a person needs to see it.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use weft_core::id::{HostId, MoveId, RegionId, WorkloadId};
use weft_core::observation::HostState;
use weft_core::plan::Strategy;
use weft_core::policy::Window;
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};

/// When something is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// In the placement as it stands, without any move.
    Standing,
    /// When a move starts or ends.
    Move {
        /// The move.
        move_id: MoveId,
        /// The instant.
        at: Timestamp,
    },
}

impl fmt::Display for Occasion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standing => formatter.write_str("the placement as it stands"),
            Self::Move { move_id, at } => write!(formatter, "{move_id} at {at}"),
        }
    }
}

/// Names in a row, for a sentence.
fn names<T: fmt::Display>(things: &[T]) -> String {
    if things.is_empty() {
        return "none".to_owned();
    }
    things.iter().map(|thing| format!("`{thing}`")).collect::<Vec<_>>().join(", ")
}

/// The word for how a host is.
const fn word(state: Option<HostState>) -> &'static str {
    match state {
        Some(HostState::Ready) => "ready",
        Some(HostState::Draining) => "draining",
        Some(HostState::Lost) => "lost",
        None => "unobserved",
    }
}

/// One thing that is broken. Its sentence says what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Violation {
    /// A workload that nobody observed.
    #[error("{occasion}: expected a workload of the fleet, found `{workload}`")]
    UnknownWorkload {
        /// When.
        occasion: Occasion,
        /// The name without a workload.
        workload: WorkloadId,
    },
    /// A host that is not in the topology.
    #[error("{occasion}: expected a host of the fleet for workload `{workload}`, found `{host}`")]
    UnknownHost {
        /// When.
        occasion: Occasion,
        /// Whose host it would be.
        workload: WorkloadId,
        /// The name without a host.
        host: HostId,
    },
    /// A move to where the workload comes from.
    #[error("{move_id} of workload `{workload}`: expected two hosts, found `{host}` as both")]
    SameHost {
        /// The move.
        move_id: MoveId,
        /// Who would move.
        workload: WorkloadId,
        /// From and to.
        host: HostId,
    },
    /// Two moves with one number, or a number that a running move has.
    #[error("{move_id}: expected every move to have its own number, found it twice")]
    RepeatedMove {
        /// The number.
        move_id: MoveId,
    },
    /// Earliest start, start and latest start are not in this order.
    #[error("{move_id}: expected a start from {earliest_start} to {latest_start}, found {start}")]
    StartOutsideWindow {
        /// The move.
        move_id: MoveId,
        /// Not before.
        earliest_start: Timestamp,
        /// When it starts.
        start: Timestamp,
        /// Not after.
        latest_start: Timestamp,
    },
    /// A start before the instant of planning.
    #[error("{move_id}: expected a start from {now} on, found {start}")]
    StartInPast {
        /// The move.
        move_id: MoveId,
        /// When it would start.
        start: Timestamp,
        /// The instant of planning.
        now: Timestamp,
    },
    /// A prediction that ends before it starts.
    #[error("{move_id}: expected a predicted duration of at least 0s, found {duration}")]
    NegativeDuration {
        /// The move.
        move_id: MoveId,
        /// The prediction.
        duration: Span,
    },
    /// A move that does not start where the workload is.
    #[error("{occasion}: expected workload `{workload}` on host `{from}`, found it on {}", names(.found))]
    WrongSource {
        /// When.
        occasion: Occasion,
        /// Who moves.
        workload: WorkloadId,
        /// Where the move looks for it.
        from: HostId,
        /// Where it is then.
        found: Vec<HostId>,
    },
    /// A replica on a host that has one of the same workload already.
    #[error("{occasion}: expected one replica of workload `{workload}` on host `{host}`, found 2")]
    AlreadyThere {
        /// When.
        occasion: Occasion,
        /// Whose replicas.
        workload: WorkloadId,
        /// Where.
        host: HostId,
    },
    /// A merge into a host without a replica.
    #[error("{occasion}: expected a replica of workload `{workload}` on `{host}` to merge into")]
    NothingToMergeInto {
        /// When.
        occasion: Occasion,
        /// Whose replicas.
        workload: WorkloadId,
        /// Where one was expected.
        host: HostId,
    },
    /// A split that takes nothing, or all or more of what the source has.
    #[error(
        "{occasion}: expected a split of workload `{workload}` to take 1 to {most} thousandths, \
         found {found}"
    )]
    SplitShare {
        /// When.
        occasion: Occasion,
        /// Who is split.
        workload: WorkloadId,
        /// One less than the share of the source.
        most: u16,
        /// What the move takes.
        found: u16,
    },
    /// More replicas than the workload allows.
    #[error("{occasion}: expected at most {most} replicas of workload `{workload}`, found {found}")]
    TooManyReplicas {
        /// When.
        occasion: Occasion,
        /// Whose replicas.
        workload: WorkloadId,
        /// Allowed.
        most: u32,
        /// With the move.
        found: u32,
    },
    /// Shares that do not add up.
    #[error(
        "{occasion}: expected the shares of workload `{workload}` to add to 1000 thousandths, \
         found {found}"
    )]
    Shares {
        /// When.
        occasion: Occasion,
        /// Whose shares.
        workload: WorkloadId,
        /// Their sum.
        found: u32,
    },
    /// A target that takes no workloads.
    #[error("{move_id} of workload `{workload}`: expected target `{host}` ready, found it {}", word(*.state))]
    TargetNotReady {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// To where.
        host: HostId,
        /// How the target is; none where nobody observed it.
        state: Option<HostState>,
    },
    /// A strategy that needs a living source, from a lost host.
    #[error(
        "{move_id} of workload `{workload}`: expected a source that runs for {strategy}, found \
         `{host}` lost"
    )]
    SourceLost {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// From where.
        host: HostId,
        /// How.
        strategy: Strategy,
    },
    /// A recovery from a host that is not lost.
    #[error(
        "{move_id} of workload `{workload}`: expected `{host}` lost to recover from it, found \
         it {}",
        word(*.state)
    )]
    SourceNotLost {
        /// The move.
        move_id: MoveId,
        /// Who would be recovered.
        workload: WorkloadId,
        /// From where.
        host: HostId,
        /// How the source is; none where nobody observed it.
        state: Option<HostState>,
    },
    /// A source or target that the policy does not rule.
    #[error("{move_id} of workload `{workload}`: expected hosts in scope, found `{host}`")]
    OutOfScope {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// Source or target.
        host: HostId,
    },
    /// Cores slower than the virtual CPUs.
    #[error(
        "{occasion}: expected cores of {needed} millicores for workload `{workload}`, found \
         {found} on host `{host}`"
    )]
    CoreSpeed {
        /// When.
        occasion: Occasion,
        /// Who needs them.
        workload: WorkloadId,
        /// Where.
        host: HostId,
        /// The workload's vCPU speed.
        needed: u32,
        /// The host's core speed.
        found: u32,
    },
    /// A strategy that the workload does not allow.
    #[error("{move_id}: expected a strategy that workload `{workload}` allows, found {strategy}")]
    NotMobile {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// How.
        strategy: Strategy,
    },
    /// A live migration that would stop the workload for too long.
    #[error(
        "{move_id} of workload `{workload}`: expected a downtime of at most {limit} for a live \
         move, found {downtime}"
    )]
    Downtime {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// Predicted.
        downtime: Span,
        /// By the policy.
        limit: Span,
    },
    /// A move between regions that no link joins.
    #[error(
        "{move_id} of workload `{workload}`: expected a link between regions `{from}` and `{to}`, \
         found none"
    )]
    NoLink {
        /// The move.
        move_id: MoveId,
        /// Who moves.
        workload: WorkloadId,
        /// Region of the source.
        from: RegionId,
        /// Region of the target.
        to: RegionId,
    },
    /// More held than there is, what moves in flight reserve included.
    #[error(
        "{occasion}: expected at most {limit} of {resource} held on host `{host}`, found {held}"
    )]
    Room {
        /// When.
        occasion: Occasion,
        /// Where.
        host: HostId,
        /// Of what.
        resource: Resource,
        /// Allocated there, in the unit of the resource.
        held: u64,
        /// Capacity × overcommit.
        limit: f64,
    },
    /// Members of an affinity rule in more than one domain.
    #[error(
        "{occasion}: expected the workloads of rule {rule} (affinity) in one domain, found them \
         in {}",
        names(.domains)
    )]
    Affinity {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// The domains found.
        domains: Vec<String>,
    },
    /// Members of an anti-affinity rule in one domain.
    #[error(
        "{occasion}: expected at most one workload of rule {rule} (anti-affinity) in `{domain}`, \
         found {}",
        names(.workloads)
    )]
    AntiAffinity {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// The domain that they share.
        domain: String,
        /// Who shares it, what moves in flight bring there included.
        workloads: Vec<WorkloadId>,
    },
    /// Members of a spread rule in too few domains.
    #[error(
        "{occasion}: expected the workloads of rule {rule} (spread) in at least {minimum} \
         domains, found {found}"
    )]
    Spread {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// As many as the rule wants, but no more than there are members that run.
        minimum: usize,
        /// Domains covered.
        found: usize,
    },
    /// A pinned workload elsewhere.
    #[error(
        "{occasion}: expected workload `{workload}` on a host of rule {rule} (pin), found `{host}`"
    )]
    Pin {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// Where.
        host: HostId,
    },
    /// A workload on a host from which it is excluded.
    #[error(
        "{occasion}: expected workload `{workload}` off the hosts of rule {rule} (exclude), \
         found `{host}`"
    )]
    Exclude {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// Where.
        host: HostId,
    },
    /// A workload in a region in which it must not be.
    #[error(
        "{occasion}: expected workload `{workload}` in a region of rule {rule} (residency), \
         found `{region}`"
    )]
    Residency {
        /// Position of the rule.
        rule: usize,
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// Where.
        region: RegionId,
    },
    /// A workload that must not be moved.
    #[error("{move_id}: expected workload `{workload}` to stay by rule {rule} (immovable)")]
    Immovable {
        /// Position of the rule.
        rule: usize,
        /// The move.
        move_id: MoveId,
        /// Who.
        workload: WorkloadId,
    },
    /// A move into a host that is or will be maintained.
    #[error(
        "{move_id}: expected no move into host `{host}` before its maintenance ends at {}, found \
         a start at {start} (rule {rule})",
        .window.ends
    )]
    IntoMaintenance {
        /// Position of the rule.
        rule: usize,
        /// The move.
        move_id: MoveId,
        /// To where.
        host: HostId,
        /// When it would start.
        start: Timestamp,
        /// The maintenance.
        window: Window,
    },
    /// A move out of a host that is under way when its maintenance begins.
    #[error(
        "{move_id}: expected to have left host `{host}` before its maintenance begins at {}, \
         found an end at {end} (rule {rule})",
        .window.begins
    )]
    LateForMaintenance {
        /// Position of the rule.
        rule: usize,
        /// The move.
        move_id: MoveId,
        /// From where.
        host: HostId,
        /// When it would end.
        end: Timestamp,
        /// The maintenance.
        window: Window,
    },
    /// A move that would run in a blackout.
    #[error("{move_id}: expected it to run outside of blackout {position}, found {start} to {end}")]
    Blackout {
        /// Position in the policy's list of blackouts.
        position: usize,
        /// The move.
        move_id: MoveId,
        /// When it would start.
        start: Timestamp,
        /// When it would end.
        end: Timestamp,
    },
    /// Too many moves in flight that touch one host.
    #[error(
        "{occasion}: expected at most {budget} moves in flight on host `{host}`, found {found}"
    )]
    HostBudget {
        /// When.
        occasion: Occasion,
        /// Where.
        host: HostId,
        /// In flight with the move.
        found: u32,
        /// By the policy.
        budget: u32,
    },
    /// Too many moves in flight between two regions.
    #[error(
        "{occasion}: expected at most {budget} moves in flight between `{}` and `{}`, found \
         {found}",
        .between.0, .between.1
    )]
    LinkBudget {
        /// When.
        occasion: Occasion,
        /// The regions, in the order of their names.
        between: (RegionId, RegionId),
        /// In flight with the move.
        found: u32,
        /// By the policy.
        budget: u32,
    },
    /// Too many moves in flight in the fleet.
    #[error("{occasion}: expected at most {budget} moves in flight in the fleet, found {found}")]
    FleetBudget {
        /// When.
        occasion: Occasion,
        /// In flight with the move.
        found: u32,
        /// By the policy.
        budget: u32,
    },
    /// Too many starts in an hour.
    #[error("{occasion}: expected at most {budget} starts in any hour, found {found}")]
    StartBudget {
        /// When.
        occasion: Occasion,
        /// In the hour that ends with the move's start.
        found: u32,
        /// By the policy.
        budget: u32,
    },
    /// A move of a workload that has just been moved.
    #[error(
        "{occasion}: expected workload `{workload}` to stay until {until}, when its cool-down ends"
    )]
    CoolDown {
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// End of its last move + the policy's cool-down.
        until: Timestamp,
    },
    /// A move back to where the workload came from, before its cool-down ends.
    #[error(
        "{occasion}: expected workload `{workload}` not to return to host `{host}` before {until}"
    )]
    Return {
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// From where it came.
        host: HostId,
        /// End of its last move + the policy's cool-down.
        until: Timestamp,
    },
    /// Two moves of one workload at once.
    #[error("{occasion}: expected workload `{workload}` at rest, found {other} of it under way")]
    TwiceAtOnce {
        /// When.
        occasion: Occasion,
        /// Who.
        workload: WorkloadId,
        /// The move that is under way.
        other: MoveId,
    },
    /// A prerequisite that nobody knows.
    #[error(
        "{move_id}: expected its prerequisites in the plan, running or succeeded, found \
         {prerequisite}"
    )]
    UnknownPrerequisite {
        /// The move.
        move_id: MoveId,
        /// What it waits for.
        prerequisite: MoveId,
    },
    /// A start before a prerequisite has ended.
    #[error("{move_id}: expected {prerequisite} to end before it starts at {start}, found {ends}")]
    LatePrerequisite {
        /// The move.
        move_id: MoveId,
        /// When it starts.
        start: Timestamp,
        /// What it waits for.
        prerequisite: MoveId,
        /// When that ends.
        ends: Timestamp,
    },
    /// A prerequisite that has not succeeded when the move is to start.
    #[error("{move_id}: expected {prerequisite} to have succeeded before its start")]
    UnmetPrerequisite {
        /// The move.
        move_id: MoveId,
        /// What it waits for.
        prerequisite: MoveId,
    },
    /// Moves that wait for each other.
    #[error("expected prerequisites without a cycle, found {} waiting for each other", names(.moves))]
    PrerequisiteCycle {
        /// The moves that can never start.
        moves: Vec<MoveId>,
    },
    /// A target that would run short.
    #[error(
        "host `{host}` at {at}: expected a {confidence}-quantile of {resource} of at most \
         {limit:.0}, found {quantile:.0} with the plan and {before:.0} without"
    )]
    Overload {
        /// The target.
        host: HostId,
        /// Of what.
        resource: Resource,
        /// Begin of the worst bucket.
        at: Timestamp,
        /// The policy's confidence.
        confidence: f64,
        /// The c-quantile with the plan, in the unit of the resource.
        quantile: f64,
        /// The c-quantile without the moves that are judged.
        before: f64,
        /// Capacity − reserve.
        limit: f64,
    },
    /// A target of a consolidation whose expected demand does not fit later on.
    #[error(
        "host `{host}` at {at}: expected a mean of {resource} of at most {limit:.0} after \
         consolidation, found {mean:.0} with the plan and {before:.0} without"
    )]
    MeanOverload {
        /// The target.
        host: HostId,
        /// Of what.
        resource: Resource,
        /// Begin of the worst bucket.
        at: Timestamp,
        /// The mean with the plan, in the unit of the resource.
        mean: f64,
        /// The mean without the moves that are judged.
        before: f64,
        /// Capacity − reserve.
        limit: f64,
    },
}
