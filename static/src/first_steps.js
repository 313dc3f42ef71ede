/* The first steps on the front page: the key is created here, the other steps are plain forms. */
import { startCreatingKeys } from "./job_settings/create_key.js";

void startCreatingKeys();
