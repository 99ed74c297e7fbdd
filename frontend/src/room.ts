import { startChat } from "./chat";
import { startPage } from "./page";

startPage(startChat);
