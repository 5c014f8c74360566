//! The demo's buttons: lose a place and bring it back, start a campaign, change mode, confidence or
//! speed. The twin gets the same, so that the comparison stays fair.

use std::collections::BTreeSet;
use std::sync::Arc;

use weft_control::event::Request;
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::forecast::Confidence;
use weft_core::policy::{Mode, Selector, Window};
use weft_core::time::Span;
use weft_sim::fault::Place;
use weft_store::Store;

use super::{Demo, keep};
use crate::api::reasons;
use crate::api::shapes::signals::{DemoCampaign, DemoPlace, DemoPolicy};
use crate::run::desk::{Answer, DemoAsk, Refusal, Topic};
use crate::run::serve::signals::heeded;

/// Where the demo's own events are kept in the store.
pub(super) const SOURCE: &str = "demo";

/// An event of the demo itself.
pub(super) fn vouched_for(event: Event) -> Signal {
    let provenance = Provenance::named(event.id.as_str());
    Signal::trusted(SOURCE, event, provenance)
}

impl Demo {
    pub(super) fn act(
        &mut self,
        ask: DemoAsk,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Answer {
        changed.extend(Topic::ALL);
        match ask {
            DemoAsk::Lose(wanted) => {
                let place = self.place(&wanted)?;
                if self.lost.contains(&wanted) {
                    return Err(Refusal::Invalid(format!("{} is lost already", name(&wanted))));
                }
                self.replay.world.lose_place(&place);
                self.twin.lose_place(&place);
                let done = format!("{} is lost", name(&wanted));
                self.lost.push(wanted);
                Ok(done)
            }
            DemoAsk::BringBack(wanted) => {
                let place = self.place(&wanted)?;
                let Some(position) = self.lost.iter().position(|lost| *lost == wanted) else {
                    return Err(Refusal::Invalid(format!("{} is not lost", name(&wanted))));
                };
                self.lost.remove(position);
                self.replay.world.bring_back(&place);
                self.twin.bring_back(&place);
                Ok(format!("{} is back", name(&wanted)))
            }
            DemoAsk::Campaign(campaign) => self.campaign(&campaign, store, changed),
            DemoAsk::Policy(change) => self.change_policy(&change, store, changed),
        }
    }

    fn place(&self, wanted: &DemoPlace) -> Result<Place, Refusal> {
        let place = match wanted {
            DemoPlace::Host(name) => Place::Host(name.as_str().into()),
            DemoPlace::Zone(name) => Place::Zone(name.as_str().into()),
            DemoPlace::Region(name) => Place::Region(name.as_str().into()),
        };
        let is_known = match &place {
            Place::Host(id) => self.topology.host(id).is_some(),
            Place::Zone(id) => self.topology.zones().any(|zone| zone.id == *id),
            Place::Region(id) => self.topology.region(id).is_some(),
        };
        if is_known {
            return Ok(place);
        }
        Err(Refusal::Invalid(format!("expected a place of the fleet, found {}", name(wanted))))
    }

    fn campaign(
        &mut self,
        campaign: &DemoCampaign,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Answer {
        let DemoCampaign { tag, lift, minutes } = campaign;
        if !(1.0..=4.0).contains(lift) {
            return Err(Refusal::Invalid(format!("lift: expected 1 to 4, found {lift}")));
        }
        if !(5..=1_440).contains(minutes) {
            return Err(Refusal::Invalid(format!("minutes: expected 5 to 1440, found {minutes}")));
        }
        let begins = self.replay.world.now();
        let window = Window { begins, ends: begins + Span::from_minutes(i64::from(*minutes)) };
        let concerns =
            Selector { names: BTreeSet::new(), tags: BTreeSet::from([tag.as_str().into()]) };
        let concerned = self.replay.world.campaign(&concerns, window, *lift as f32);
        if concerned == 0 {
            return Err(Refusal::Invalid(format!(
                "expected the label of a workload, found `{tag}`"
            )));
        }
        self.twin.campaign(&concerns, window, *lift as f32);
        let event = Event {
            id: format!("demo-campaign-{tag}-{}", begins.as_millis() / 1_000).into(),
            kind: EventKind::Campaign,
            window,
            concerns,
            expected_lift: Some(*lift),
        };
        let kept = store.put_event(&vouched_for(event));
        kept.map_err(|error| Refusal::Store(error.to_string()))?;
        let heeded = heeded(store, begins).map_err(|error| Refusal::Store(error.to_string()))?;
        let mut stored = Ok(());
        self.replay.announce(heeded, &mut |look| keep(look, store, &mut stored, changed));
        stored.map_err(|error| Refusal::Store(error.to_string()))?;
        let length = reasons::span(window.ends - window.begins);
        Ok(format!(
            "a campaign on {concerned} workloads has begun: {lift} times their demand for {length}"
        ))
    }

    fn change_policy(
        &mut self,
        change: &DemoPolicy,
        store: &dyn Store,
        changed: &mut BTreeSet<Topic>,
    ) -> Answer {
        let mut policy = (**self.replay.control.policy()).clone();
        let mut done = Vec::new();
        if let Some(mode) = &change.mode {
            policy.mode = parsed(mode)?;
            done.push(format!("the mode is {mode}"));
        }
        if let Some(confidence) = change.confidence {
            policy.confidence =
                Confidence::new(confidence).map_err(|error| Refusal::Invalid(error.to_string()))?;
            done.push(format!("the confidence is {confidence}"));
        }
        if let Some(speed) = change.speed {
            if !(1.0..=3_600.0).contains(&speed) {
                return Err(Refusal::Invalid(format!("speed: expected 1 to 3600, found {speed}")));
            }
            done.push(format!("{speed} simulated seconds pass in a second"));
        }
        if done.is_empty() {
            let sentence = "expected mode, confidence or speed, found none of them";
            return Err(Refusal::Invalid(sentence.to_owned()));
        }
        self.speed = change.speed.unwrap_or(self.speed);
        if change.mode.is_some() || change.confidence.is_some() {
            self.request(Request::SetPolicy(Arc::new(policy)), store, changed)?;
        }
        Ok(done.join(", "))
    }
}

fn parsed(mode: &str) -> Result<Mode, Refusal> {
    let modes = [Mode::Observe, Mode::Advise, Mode::Approve, Mode::Auto];
    modes.into_iter().find(|known| known.name() == mode).ok_or_else(|| {
        Refusal::Invalid(format!("mode: expected observe, advise, approve or auto, found `{mode}`"))
    })
}

fn name(place: &DemoPlace) -> String {
    match place {
        DemoPlace::Host(name) => format!("host {name}"),
        DemoPlace::Zone(name) => format!("zone {name}"),
        DemoPlace::Region(name) => format!("region {name}"),
    }
}
