//! `weft forecast`: quantiles for the steps after each series of a CSV, or of a query of a metrics server, lifted by
//! the events that are told. A series that cannot be forecast is named on stderr and keeps no other from its forecast.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use serde::Serialize;
use weft_core::forecast::Levels;
use weft_core::time::Timestamp;
use weft_forecast::batch::{Batch, LiftedForecast};
use weft_forecast::model::ModelError;

use crate::cli::{Failure, ForecastArguments, Horizon, Level, SeriesOutput};
use crate::output;
use crate::samples::{self, Origin, Panel, queried};
use crate::table::{lay_out_columns, number};
use told::{LiftDocument, Told};

mod told;

/// Carries `weft forecast` out.
pub fn run(arguments: &ForecastArguments) -> Result<(), Failure> {
    let asked = Asked::new(&arguments.levels)?;
    let panel = panel(arguments)?;
    let Some(horizon) = arguments.horizon.steps(panel.step) else {
        let (most, step) = (Horizon::MOST_STEPS, panel.step.span());
        return Err(Failure::Input(anyhow!(
            "--horizon: expected at most {most} steps of {step} each, found more"
        )));
    };
    let season = panel.step.per_day();
    let resources: Vec<_> = panel.origins.iter().map(Origin::resource).collect();
    let batch = Batch { method: arguments.model, season, horizon, resources: &resources };
    let count = panel.series.len();
    let told = match arguments.events.is_empty() {
        true => None,
        false => Some(Told::read(&arguments.events, &panel, horizon)?),
    };
    let results = match &told {
        Some(told) => told.forecast(&batch, &panel, &asked.levels, &progress(count)),
        None => {
            let plain = batch.forecast(&panel.series, &asked.levels, &progress(count));
            plain.into_iter().map(|forecast| forecast.map(LiftedForecast::from)).collect()
        }
    };
    let answer = Answer::new(asked, &panel, told, results);
    answer.complain();
    match arguments.output {
        SeriesOutput::Table if answer.forecasts.is_empty() => {}
        SeriesOutput::Table => output::print(&answer.table())?,
        SeriesOutput::Json => output::print_json(&answer.document())?,
        SeriesOutput::Csv => output::print_csv(&answer.header(), answer.rows())?,
    }
    if answer.forecasts.is_empty() {
        let sentence = "expected a series that can be forecast, found none";
        return Err(Failure::No(anyhow!("{sentence} among {count}")));
    }
    Ok(())
}

fn panel(arguments: &ForecastArguments) -> Result<Panel, Failure> {
    let panel = match (&arguments.input, &arguments.server.prometheus) {
        (Some(path), _) => {
            samples::on_grid(&samples::called(path), samples::read(path)?, arguments.step)?
        }
        (None, Some(address)) => {
            output::tell(&format!("asking {address}"));
            queried::ask(address, &arguments.server, arguments.step.unwrap_or_default())?
        }
        (None, None) => unreachable!("the command line requires one of the two"),
    };
    output::tell(&format!("{} series, steps of {}", panel.series.len(), panel.step.span()));
    Ok(panel)
}

/// Tells a person who watches how many of `count` series are done, each tenth of them once.
fn progress(count: usize) -> impl Fn(usize) + Sync {
    let told = AtomicUsize::new(0);
    move |done| {
        let tenth = 10 * done / count.max(1);
        if told.fetch_max(tenth, Ordering::Relaxed) < tenth {
            output::tell(&format!("forecast: {done} of {count} series"));
        }
    }
}

/// The levels as they were asked for, and those that are reckoned: ascending, with the median among them.
struct Asked {
    texts: Vec<String>,
    values: Vec<f64>,
    levels: Levels,
    /// Where among the reckoned each of the asked stands.
    columns: Vec<usize>,
}

impl Asked {
    fn new(asked: &[Level]) -> Result<Self, Failure> {
        let values: Vec<f64> = asked.iter().map(|level| level.value).collect();
        let mut reckoned = values.clone();
        reckoned.sort_by(f64::total_cmp);
        if let Some(pair) = reckoned.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::Input(anyhow!(
                "--levels: expected each level once, found {} twice",
                pair[0]
            )));
        }
        if !reckoned.contains(&0.5) {
            reckoned.insert(reckoned.partition_point(|level| *level < 0.5), 0.5);
        }
        let levels = Levels::new(&reckoned).map_err(|error| Failure::Input(error.into()))?;
        let column = |value: &f64| reckoned.partition_point(|level| level < value);
        let columns = values.iter().map(column).collect();
        let texts = asked.iter().map(|level| level.text.clone()).collect();
        Ok(Self { texts, values, levels, columns })
    }
}

/// What came of all series.
struct Answer<'a> {
    asked: Asked,
    panel: &'a Panel,
    /// The events, where any were asked for.
    told: Option<Told>,
    /// The position of each series that was forecast.
    forecasts: Vec<(usize, LiftedForecast)>,
    refused: Vec<(usize, ModelError)>,
}

impl<'a> Answer<'a> {
    fn new(
        asked: Asked,
        panel: &'a Panel,
        told: Option<Told>,
        results: Vec<Result<LiftedForecast, ModelError>>,
    ) -> Self {
        let mut answer = Self { asked, panel, told, forecasts: Vec::new(), refused: Vec::new() };
        for (series, result) in results.into_iter().enumerate() {
            match result {
                Ok(forecast) => answer.forecasts.push((series, forecast)),
                Err(error) => answer.refused.push((series, error)),
            }
        }
        answer
    }

    fn complain(&self) {
        for (series, error) in &self.refused {
            eprintln!("weft: series `{}`: {error}", self.panel.name(*series));
        }
    }

    /// The steps of a forecast: when, with all the quantiles that were reckoned.
    fn steps<'f>(
        &'f self,
        series: usize,
        forecast: &'f LiftedForecast,
    ) -> impl Iterator<Item = (Timestamp, &'f [f32])> {
        let end = self.panel.series[series].len();
        let rows = forecast.forecast.quantiles.chunks_exact(self.asked.levels.as_slice().len());
        rows.enumerate().map(move |(ahead, row)| (self.panel.at(series, end + ahead), row))
    }

    fn header(&self) -> Vec<String> {
        let fixed = ["series", "timestamp", "model"].map(str::to_owned);
        let levels = self.asked.texts.iter().map(|level| format!("q{level}"));
        let of_events = self.told.iter().flat_map(|_| ["lift", "events"].map(str::to_owned));
        fixed.into_iter().chain(levels).chain(of_events).collect()
    }

    fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.forecasts.iter().flat_map(|(series, forecast)| {
            let origin = &self.panel.origins[*series];
            self.steps(*series, forecast).enumerate().map(|(ahead, (at, row))| {
                let model = forecast.forecast.model.to_string();
                let fixed = [origin.name.clone(), origin.form.written(at), model];
                let quantiles = self.asked.columns.iter().map(|column| row[*column].to_string());
                let told = self.told.iter();
                let of_events =
                    told.flat_map(|told| told.cells(forecast, ahead, at, self.panel.step));
                fixed.into_iter().chain(quantiles).chain(of_events).collect()
            })
        })
    }

    fn document(&self) -> Document<'_> {
        let name = |series: usize| self.panel.name(series);
        let step = |(at, row): (Timestamp, &[f32]), lift: Option<f32>| StepDocument {
            at,
            quantiles: self.asked.columns.iter().map(|column| row[*column]).collect(),
            lift,
        };
        let forecast = |(series, forecast): &(usize, LiftedForecast)| ForecastDocument {
            series: name(*series).to_owned(),
            model: forecast.forecast.model.as_str(),
            scores: forecast
                .forecast
                .scores
                .iter()
                .map(|(model, pinball)| ScoreDocument { model: model.as_str(), pinball: *pinball })
                .collect(),
            lifts: self.told.as_ref().map(|told| told.documents(forecast)),
            steps: self
                .steps(*series, forecast)
                .enumerate()
                .map(|(ahead, each)| step(each, forecast.factors.get(ahead).copied()))
                .collect(),
        };
        let refused = |(series, error): &(usize, ModelError)| RefusedDocument {
            series: name(*series).to_owned(),
            reason: error.to_string(),
        };
        Document {
            step_seconds: self.panel.step.span().as_millis() / 1_000,
            levels: &self.asked.values,
            forecasts: self.forecasts.iter().map(forecast).collect(),
            refused: self.refused.iter().map(refused).collect(),
        }
    }

    /// One line a series: where it stands, and how high it is going to be.
    fn table(&self) -> String {
        let highest = (0..self.asked.values.len())
            .max_by(|a, b| self.asked.values[*a].total_cmp(&self.asked.values[*b]))
            .unwrap_or_default();
        let at_peak = format!("q{} then", self.asked.texts[highest]);
        let header =
            ["series", "model", "last", "next", "peak", "peak at", at_peak.as_str(), "steps"];
        let left = header.map(|column| matches!(column, "series" | "model" | "peak at"));
        let column = self.asked.columns[highest];
        let cells: Vec<Vec<String>> =
            self.forecasts.iter().map(|(series, f)| self.cells(*series, f, column)).collect();
        let (done, refused) = (self.forecasts.len(), self.refused.len());
        let step = self.panel.step.span();
        let refused = if refused == 0 { String::new() } else { format!(", {refused} refused") };
        let lifts = self.told.as_ref().map(|told| told.table(&self.forecasts)).unwrap_or_default();
        format!(
            "{done} series forecast{refused}; steps of {step}; next and peak are medians\n\n{}{lifts}",
            lay_out_columns(&header, &left, &cells)
        )
    }

    fn cells(&self, series: usize, forecast: &LiftedForecast, highest: usize) -> Vec<String> {
        let median = self.asked.levels.median();
        let steps: Vec<_> = self.steps(series, forecast).collect();
        let dash = || "–".to_owned();
        // The first of equal peaks: `max_by` takes the last.
        let peak = steps.iter().rev().max_by(|a, b| a.1[median].total_cmp(&b.1[median]));
        let value = |value: f32| number(f64::from(value));
        vec![
            self.panel.name(series).to_owned(),
            forecast.forecast.model.to_string(),
            self.panel.series[series].iter().flatten().last().map_or_else(dash, value),
            steps.first().map_or_else(dash, |(_, row)| value(row[median])),
            peak.map_or_else(dash, |(_, row)| value(row[median])),
            peak.map_or_else(dash, |(at, _)| self.panel.origins[series].form.written(*at)),
            peak.map_or_else(dash, |(_, row)| value(row[highest])),
            steps.len().to_string(),
        ]
    }
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    step_seconds: i64,
    levels: &'a [f64],
    forecasts: Vec<ForecastDocument>,
    refused: Vec<RefusedDocument>,
}

#[derive(Debug, Serialize)]
struct ForecastDocument {
    series: String,
    model: &'static str,
    scores: Vec<ScoreDocument>,
    /// Where events were asked for: those in whose windows any of the steps lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifts: Option<Vec<LiftDocument>>,
    steps: Vec<StepDocument>,
}

#[derive(Debug, Serialize)]
struct ScoreDocument {
    model: &'static str,
    pinball: f64,
}

#[derive(Debug, Serialize)]
struct StepDocument {
    at: Timestamp,
    quantiles: Vec<f32>,
    /// Where events were asked for: the median over what it would be without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    lift: Option<f32>,
}

#[derive(Debug, Serialize)]
struct RefusedDocument {
    series: String,
    reason: String,
}

#[cfg(test)]
mod tests;
