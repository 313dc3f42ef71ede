/* The system that the browser runs on, as far as keys depend on it. */

/** @type {{ userAgentData?: { platform?: string }, platform: string }} */
const browser = navigator;

/** Whether it is one of Apple's: the Command key does there what Ctrl does elsewhere, and Option types characters. */
export const MAC = /mac|iP(hone|ad|od)/i.test(browser.userAgentData?.platform || browser.platform);
