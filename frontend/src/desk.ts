import "basecoat-css/basecoat";
import "basecoat-css/dropdown-menu";
import "./htmx";
import { startDashboard } from "./dashboard";
import { startForms } from "./forms";
import { startPage } from "./page";
import { startRefresh } from "./refresh";
import { startReplies } from "./replies";
import { startTable } from "./table";
import { startWatch } from "./watch";

startPage();
startForms();
startRefresh();
startDashboard();
startTable();
startWatch();
startReplies();
