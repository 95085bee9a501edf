// Logging in: the token goes to the server once, which keeps it in a cookie that no script can read.
/* exported askForToken */

/** Asks for a token; the page begins anew with it. */
function askForToken() {
  const form = /** @type {HTMLFormElement} */ (document.getElementById('login'));
  if (!form.hidden) return;
  form.hidden = false;
  const field = /** @type {HTMLInputElement} */ (document.getElementById('token'));
  field.focus();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void logIn(field.value.trim());
  });
}

/** @param {string} token */
async function logIn(token) {
  const answer = await fetch('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (answer.ok) return location.reload();
  /** @type {unknown} */
  const body = await answer.json();
  const problem = /** @type {HTMLElement} */ (document.getElementById('login-problem'));
  problem.textContent = /** @type {{ error?: string }} */ (body).error ?? 'HTTP ' + answer.status;
}
