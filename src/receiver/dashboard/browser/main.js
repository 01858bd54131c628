// What every page runs: times that count on, copy buttons, forms that need no button, and the live updates.

import { startCharts } from './charts.js';
import { startCopying } from './copy.js';
import { startFilters } from './filters.js';
import { startLive } from './live.js';
import { rememberSources } from './parts.js';
import { startTimes } from './time.js';

rememberSources();
startTimes();
startCopying();
startFilters();
startCharts(document);
startLive();
