// Starts the dashboard: theme first, so that nothing flashes, then the page, then the stream.
import { mount } from "svelte";

import "./tokens.css";
import "./base.css";
import { stream } from "./api/stream.svelte";
// Read before the router, because a token in the address must not stay there.
import "./api/token.svelte";
import App from "./App.svelte";
import { route } from "./route.svelte";
import { appearance } from "./theme.svelte";

appearance.start();
route.start();
const target = document.getElementById("app");
if (!target) throw new Error("expected an element with the id app in index.html");
mount(App, { target });
stream.start();
