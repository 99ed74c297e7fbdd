import "basecoat-css/basecoat";
import "basecoat-css/dropdown-menu";
import "./htmx";
import { startForms } from "./forms";
import { startPage } from "./page";
import { startWatch } from "./watch";

startPage();
startForms();
startWatch();
