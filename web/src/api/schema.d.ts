// The shapes of API v1, written by `npm run types` from openapi.json; not to be changed by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Accuracy: {
            coverage?: number | null;
            judged: number;
            models: {
                [key: string]: number;
            };
            series: number;
        };
        Acknowledged: {
            done: string;
        };
        AlertShape: {
            begins: components["schemas"]["Instant"];
            ends?: components["schemas"]["Instant"] | null;
            fingerprint: string;
            labels: {
                [key: string]: string;
            };
            rule: string;
            severity: string;
            subject: string;
            summary: string;
            told?: components["schemas"]["Instant"] | null;
            told_by: string[];
        };
        AvoidedShortage: {
            begins: components["schemas"]["Instant"];
            ends: components["schemas"]["Instant"];
            host: string;
            moves: number[];
            overload_minutes: number;
            resource: string;
            twin_overload_minutes: number;
        };
        BucketShape: {
            begins: components["schemas"]["Instant"];
            ends: components["schemas"]["Instant"];
        };
        CostShape: {
            moves: number;
            overload: number;
            running: number;
            total: number;
        };
        Demo: {
            avoided: components["schemas"]["AvoidedShortage"][];
            began: components["schemas"]["Instant"];
            lost: components["schemas"]["LostPlace"][];
            overload_minutes: number;
            speed: number;
            twin_overload_minutes: number;
            twin_unserved_core_hours: number;
            unserved_core_hours: number;
        };
        DemoCampaign: {
            lift: number;
            minutes: number;
            tag: string;
        };
        DemoPlace: {
            host: string;
        } | {
            zone: string;
        } | {
            region: string;
        };
        DemoPolicy: {
            confidence?: number | null;
            mode?: string | null;
            speed?: number | null;
        };
        EventShape: {
            begins: components["schemas"]["Instant"];
            ends: components["schemas"]["Instant"];
            expected_lift?: number | null;
            id: string;
            is_trusted: boolean;
            kind: string;
            link?: string | null;
            rule?: string | null;
            source: string;
            tags: string[];
            title: string;
            workloads: string[];
        };
        FleetCounts: {
            hosts: number;
            hosts_draining: number;
            hosts_lost: number;
            regions: number;
            workloads: number;
            workloads_down: number;
            zones: number;
        };
        ForecastShape: {
            accuracy: components["schemas"]["SeriesAccuracy"];
            cap?: number | null;
            levels: number[];
            lifts: components["schemas"]["LiftShape"][];
            origin: components["schemas"]["Instant"];
            quantiles: number[][];
            resource: string;
            step_seconds: number;
            unit: string;
            workload: string;
        };
        FreezeShape: {
            kind: string;
            sentence: string;
            since: components["schemas"]["Instant"];
        };
        Freshness: {
            age_seconds?: number | null;
            sampled_until?: components["schemas"]["Instant"] | null;
            stale_after_seconds: number;
            step_seconds: number;
        };
        History: {
            censored: number[];
            resource: string;
            start: components["schemas"]["Instant"];
            step_seconds: number;
            unit: string;
            values: (number | null)[];
            workload: string;
        };
        HostAhead: {
            buckets: components["schemas"]["BucketShape"][];
            host: string;
            limit?: number | null;
            mean_with: number[];
            mean_without: number[];
            overload_with: number[];
            overload_without: number[];
            quantile_with: number[];
            quantile_without: number[];
            region: string;
            resource: string;
            state: string;
            unit: string;
            zone: string;
        };
        HostDemand: {
            at: components["schemas"]["Instant"];
            host: string;
            resource: string;
            unit: string;
            workloads: components["schemas"]["WorkloadDemand"][];
        };
        HostDetail: {
            ahead: components["schemas"]["HostAhead"][];
            host: components["schemas"]["HostRow"];
            moves: components["schemas"]["MoveShape"][];
            residents: components["schemas"]["WorkloadRow"][];
        };
        HostImpact: {
            host: string;
            limit?: number | null;
            memory_after_bytes: number;
            memory_before_bytes: number;
            memory_limit_bytes?: number | null;
            overload_after: number;
            overload_before: number;
            peak_after: number;
            peak_before: number;
            resource: string;
            unit: string;
            workloads_after: number;
            workloads_before: number;
        };
        HostRow: {
            cores: number;
            cpu_expected_millicores?: number | null;
            cpu_millicores: number;
            id: string;
            in_scope: boolean;
            memory_allocated_bytes: number;
            memory_bytes?: number | null;
            region: string;
            state: string;
            tags: string[];
            workloads: number;
            worst?: components["schemas"]["Worst"] | null;
            zone: string;
        };
        Instant: string;
        JournalLine: {
            at: components["schemas"]["Instant"];
            id: number;
            kind: string;
            move?: number | null;
            sentence: string;
            workload?: string | null;
        };
        LiftShape: {
            event: string;
            factor: number;
            high: number;
            kind: string;
            learned_from: number;
            low: number;
            source: string;
        };
        LinkShape: {
            bandwidth_bytes_per_second: number;
            from: string;
            price_per_gigabyte: number;
            round_trip_seconds: number;
            to: string;
        };
        LostPlace: {
            kind: string;
            name: string;
        };
        MapShape: {
            in_flight: components["schemas"]["MoveShape"][];
            links: components["schemas"]["LinkShape"][];
            regions: components["schemas"]["RegionShape"][];
        };
        MeasureShape: {
            downtime_seconds: number;
            duration_seconds: number;
            transferred_bytes: number;
        };
        ModelScore: {
            model: string;
            pinball?: number | null;
        };
        MoveCostShape: {
            attention: number;
            downtime: number;
            slowdown: number;
            total: number;
            transfer: number;
        };
        MoveShape: {
            actions: string[];
            cost: components["schemas"]["MoveCostShape"];
            earliest_start: components["schemas"]["Instant"];
            ended?: components["schemas"]["Instant"] | null;
            from: string;
            from_region: string;
            id: number;
            latest_start: components["schemas"]["Instant"];
            measured?: components["schemas"]["MeasureShape"] | null;
            overload_with: number;
            overload_without: number;
            plan: number;
            predicted: components["schemas"]["MeasureShape"];
            prerequisites: number[];
            progress?: number | null;
            purpose: components["schemas"]["Reason"];
            rejected: components["schemas"]["RejectedShape"][];
            share_permille?: number | null;
            start: components["schemas"]["Instant"];
            started?: components["schemas"]["Instant"] | null;
            state: string;
            strategy: string;
            to: string;
            to_region: string;
            why_not?: string | null;
            workload: string;
        };
        NewCampaign: {
            begins: components["schemas"]["Instant"];
            ends: components["schemas"]["Instant"];
            expected_lift?: number | null;
            id: string;
            tags?: string[];
            workloads?: string[];
        };
        Outlook: {
            buckets: components["schemas"]["BucketShape"][];
            events: components["schemas"]["EventShape"][];
            hosts: components["schemas"]["HostAhead"][];
            made_at: components["schemas"]["Instant"];
            moves: components["schemas"]["MoveShape"][];
            plan?: number | null;
            threshold: number;
        };
        PlanDetail: {
            cost_with: components["schemas"]["CostShape"];
            cost_without: components["schemas"]["CostShape"];
            impact: components["schemas"]["HostImpact"][];
            moves: components["schemas"]["MoveShape"][];
            plan: components["schemas"]["PlanRow"];
            shortages: components["schemas"]["Shortage"][];
            until: components["schemas"]["Instant"];
        };
        PlanRow: {
            cost_with: number;
            cost_without: number;
            id: number;
            is_current: boolean;
            made_at: components["schemas"]["Instant"];
            moves: number;
            parent?: number | null;
            shortages: number;
            unanswered: number;
        };
        PolicyShape: {
            is_current: boolean;
            name: string;
            policy: Record<string, never>;
            rules: string[];
        };
        PolicySummary: {
            confidence: number;
            horizon_seconds: number;
            name: string;
        };
        Problem: {
            detail: string;
            status: number;
            title: string;
            type: string;
        };
        Reason: {
            code: string;
            data: Record<string, never>;
            sentence: string;
        };
        RegionShape: {
            energy_price_per_kwh: number;
            id: string;
            zones: components["schemas"]["ZoneShape"][];
        };
        RejectedShape: {
            host: string;
            lack: components["schemas"]["Reason"];
        };
        ReplicaShape: {
            host: string;
            share_permille: number;
        };
        SeriesAccuracy: {
            coverage?: number | null;
            judged: number;
            model: string;
            resource: string;
            samples: number;
            scores: components["schemas"]["ModelScore"][];
            workload: string;
        };
        Shortage: {
            begins: components["schemas"]["Instant"];
            ends: components["schemas"]["Instant"];
            host: string;
            lead_seconds: number;
            limit: number;
            moves: number[];
            probability: number;
            quantile: number;
            region: string;
            resource: string;
            unanswered?: components["schemas"]["Reason"] | null;
            unit: string;
        };
        SourceShape: {
            error?: string | null;
            events: number;
            every_seconds: number;
            is_trusted: boolean;
            kind: string;
            name: string;
            place: string;
            problem_count: number;
            problems: string[];
            read?: components["schemas"]["Instant"] | null;
            tried: components["schemas"]["Instant"];
        };
        Status: {
            accuracy: components["schemas"]["Accuracy"];
            demo?: components["schemas"]["Demo"] | null;
            fleet: components["schemas"]["FleetCounts"];
            freezes: components["schemas"]["FreezeShape"][];
            may_start: boolean;
            metrics: components["schemas"]["Freshness"];
            mode: string;
            moves_in_flight: number;
            moves_to_approve: number;
            next_shortage?: components["schemas"]["Shortage"] | null;
            now: components["schemas"]["Instant"];
            open_alerts: number;
            plan?: number | null;
            policy: components["schemas"]["PolicySummary"];
            shortages: number;
            switch: string;
            version: string;
        };
        WorkloadDemand: {
            events: string[];
            expected: number;
            high: number;
            workload: string;
        };
        WorkloadDetail: {
            dirty_rate_bytes_per_second: number;
            hosts: components["schemas"]["HostAhead"][];
            moves: components["schemas"]["MoveShape"][];
            reason: components["schemas"]["Reason"];
            resources: string[];
            storage: string;
            strategies: string[];
            workload: components["schemas"]["WorkloadRow"];
        };
        WorkloadRow: {
            coverage?: number | null;
            cpu_expected_millicores?: number | null;
            cpu_millicores: number;
            id: string;
            is_running: boolean;
            memory_bytes: number;
            model?: string | null;
            move_state?: string | null;
            priority: number;
            replicas: components["schemas"]["ReplicaShape"][];
            tags: string[];
            vcpus: number;
        };
        Worst: {
            begins: components["schemas"]["Instant"];
            resource: string;
            with: number;
            without: number;
        };
        ZoneShape: {
            hosts: components["schemas"]["HostRow"][];
            id: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
