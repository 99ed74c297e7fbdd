import { one } from "./dom";
import { startPage } from "./page";

startPage();
if (one("form[data-attach][data-draft]")) void import("./attach_form.js");
