// The list of runs: local times, and two of them to be overlaid.
import { chooseTwo, localTimes } from "./common.js";

localTimes();
const form = document.getElementById("runs-form");
if (form) chooseTwo(form)();
