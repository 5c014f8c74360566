// Short names for the shapes of API v1, all taken from the generated schema.
import type { components } from "./schema";

type Shapes = components["schemas"];

export type Status = Shapes["Status"];
export type Freeze = Shapes["FreezeShape"];
export type Demo = Shapes["Demo"];
export type Avoided = Shapes["AvoidedShortage"];
export type Outlook = Shapes["Outlook"];
export type HostAhead = Shapes["HostAhead"];
export type HostDemand = Shapes["HostDemand"];
export type Bucket = Shapes["BucketShape"];
export type Shortage = Shapes["Shortage"];
export type Forecast = Shapes["ForecastShape"];
export type Lift = Shapes["LiftShape"];
export type SeriesAccuracy = Shapes["SeriesAccuracy"];
export type History = Shapes["History"];
export type HostRow = Shapes["HostRow"];
export type HostDetail = Shapes["HostDetail"];
export type WorkloadRow = Shapes["WorkloadRow"];
export type WorkloadDetail = Shapes["WorkloadDetail"];
export type PlanRow = Shapes["PlanRow"];
export type PlanDetail = Shapes["PlanDetail"];
export type HostImpact = Shapes["HostImpact"];
export type Cost = Shapes["CostShape"];
export type Move = Shapes["MoveShape"];
export type Measure = Shapes["MeasureShape"];
export type Reason = Shapes["Reason"];
export type FleetMap = Shapes["MapShape"];
export type Region = Shapes["RegionShape"];
export type Link = Shapes["LinkShape"];
export type OutsideEvent = Shapes["EventShape"];
export type Source = Shapes["SourceShape"];
export type Alert = Shapes["AlertShape"];
export type JournalLine = Shapes["JournalLine"];
export type Policy = Shapes["PolicyShape"];
export type Acknowledged = Shapes["Acknowledged"];
export type Problem = Shapes["Problem"];
export type NewCampaign = Shapes["NewCampaign"];
export type DemoPlace = Shapes["DemoPlace"];
export type DemoCampaign = Shapes["DemoCampaign"];
export type DemoPolicy = Shapes["DemoPolicy"];

/** One page of a list. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** What the server's stream says has changed. */
export type Topic =
  | "status" | "outlook" | "plans" | "moves" | "shortages" | "hosts" | "alerts" | "events" | "journal";
