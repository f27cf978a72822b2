// Asks who one is.

import { useState } from "preact/hooks";
import * as api from "./api";
import { enter, session } from "./store";
import { Button } from "./ui";

export function Login() {
  const [token, setToken] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      const s = await api.login(token.trim());
      if (s.role === "none") throw new Error("this token gives no access");
      setToken("");
      enter(s);
    } catch (e) {
      setError((e as Error).message);
      setBusy(false);
    }
  };
  return (
    <form class="panel login" onSubmit={submit}>
      <h1>Log in to {session.value?.node ?? "the node"}</h1>
      {session.value?.tokens === false ? (
        <p>
          The cluster has no tokens yet, and without one only those on the node's own machine may come in. Make the first there:{" "}
          <code>hedgehog token create NAME --role admin</code>
        </p>
      ) : (
        <p>
          A token of this cluster opens it. Who is admin makes them: <code>hedgehog token create NAME --role read</code>
        </p>
      )}
      <label class="field">
        <span>Token</span>
        <input type="password" name="token" autoComplete="current-password" required spellcheck={false} placeholder="hh_…"
          value={token} onInput={(e) => setToken(e.currentTarget.value)} aria-describedby={error === "" ? undefined : "login-error"} aria-invalid={error !== ""} />
      </label>
      {error !== "" && (
        <p class="error" role="alert" id="login-error">
          {error}
        </p>
      )}
      <div class="buttons">
        <Button submit kind="primary" disabled={busy || token.trim() === ""}>
          {busy ? "Asking …" : "Log in"}
        </Button>
      </div>
    </form>
  );
}
