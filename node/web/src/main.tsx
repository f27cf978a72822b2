import { render } from "preact";
import { App } from "./app";
import { begin } from "./store";
import { beginTheme } from "./theme";
import "./style.css";

beginTheme();
begin();
render(<App />, document.getElementById("page")!);
