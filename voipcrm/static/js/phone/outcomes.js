// What happened to a call that is over, in words. No DOM.
import { length } from './words.js';

/**
 * @param call CallJson, as GET /api/voip/calls/<id> gives it; null if the server could not be asked
 * @param here {answeredAt, endedAt: ms or null, byMe: whether this person ended it, direction, userId}
 * @returns {text, tone: 'good'|'info'|'warn'|'bad', again: whether calling again makes sense}
 */
export function outcomeOf(call, here) {
  const { outcome, reason } = call ?? {};
  const direction = call?.direction ?? here.direction;
  const outgoing = direction === 'outbound' || (direction === 'internal' && here.outgoing);
  if (!here.answeredAt && call?.answered_by && !outgoing) {
    return said(`Answered by ${call.answered_by.name}.`, 'info', false);
  }
  if (here.answeredAt || outcome === 'answered') return said(`Call ended ${length(secondsOf(call, here))}`, 'good');
  if (outcome === 'busy') return said(outgoing ? 'Busy.' : 'You rejected the call.', outgoing ? 'warn' : 'info');
  if (outcome === 'no-answer') return said('No answer.', 'warn');
  if (outcome === 'failed') return said(reason || 'The call could not be completed.', 'bad');
  if (outcome === 'missed' || outcome === 'voicemail')
    return said(here.byMe ? 'You rejected the call.' : 'Missed call.', here.byMe ? 'info' : 'warn');
  if (outcome === 'abandoned') return said('The caller hung up before an answer.', 'warn');
  if (outcome === 'canceled') return said(outgoing ? 'You canceled the call.' : 'The caller hung up.', 'info');
  return unsure(here, outgoing);
}

/** Before the server has answered, or when it can't: what this browser saw. */
function unsure(here, outgoing) {
  if (here.problem) return said(here.problem, 'bad');
  if (here.byMe) return said(outgoing ? 'You canceled the call.' : 'You rejected the call.', 'info');
  return outgoing ? said('The call ended before an answer.', 'info') : said('No longer ringing.', 'info', false);
}

const said = (text, tone, again = true) => ({ text, tone, again });

function secondsOf(call, here) {
  if (here.answeredAt && here.endedAt) return (here.endedAt - here.answeredAt) / 1000;
  const [from, to] = [Date.parse(call?.answered_at ?? ''), Date.parse(call?.ended_at ?? '')];
  return Number.isNaN(from) || Number.isNaN(to) ? 0 : (to - from) / 1000;
}
