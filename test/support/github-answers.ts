/** Bodies of answers in the shapes that GitHub documents. */

export type Body = Readonly<Record<string, unknown>>;

export function userBody(api: string, login: string, id: number): Body {
  const path = encodeURIComponent(login);
  const url = `${api}/users/${path}`;
  return {
    login, id, node_id: `U_${id}`, type: "Organization", site_admin: false, gravatar_id: "", url,
    avatar_url: `${api}/avatars/${id}`, html_url: `${api}/html/${path}`, followers_url: `${url}/followers`, following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`, starred_url: `${url}/starred{/owner}{/repo}`, subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`, repos_url: `${url}/repos`, events_url: `${url}/events{/privacy}`, received_events_url: `${url}/received_events`,
  };
}

const epoch = "2026-01-01T00:00:00Z";
const permissions = { statuses: "write", checks: "write", pull_requests: "write", metadata: "read" };

export function appBody(api: string, appId: number): Body {
  return {
    id: appId, slug: "tekton-integrations", node_id: `A_${appId}`, owner: userBody(api, "platform", 1), name: "Tekton Integrations", description: null,
    external_url: "https://example.com", html_url: `${api}/apps/tekton-integrations`, created_at: epoch, updated_at: epoch, permissions, events: [],
  };
}

export function installationBody(api: string, appId: number, id: number, owner: string): Body {
  return {
    id, app_id: appId, app_slug: "tekton-integrations", target_id: id, target_type: "Organization", single_file_name: null, repository_selection: "selected",
    access_tokens_url: `${api}/app/installations/${id}/access_tokens`, html_url: `${api}/html/installations/${id}`, repositories_url: `${api}/installation/repositories`,
    events: [], account: userBody(api, owner, id), permissions, created_at: epoch, updated_at: epoch, suspended_by: null, suspended_at: null,
  };
}

export function tokenBody(token: string, expiresAt: number): Body {
  return { token, expires_at: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, "Z"), permissions, repository_selection: "selected" };
}

/** A commit status that GitHub has accepted. */
export interface CommitStatus {
  readonly id: number;
  readonly owner: string;
  readonly repo: string;
  readonly sha: string;
  readonly state: "error" | "failure" | "pending" | "success";
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function statusBody(api: string, status: CommitStatus): Body {
  const created = new Date(status.at).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    url: `${api}/repos/${status.owner}/${status.repo}/statuses/${status.sha}`, avatar_url: null, id: status.id, node_id: `S_${status.id}`, state: status.state,
    description: status.description, target_url: status.targetUrl, context: status.context, created_at: created, updated_at: created,
    creator: { ...userBody(api, "tekton-integrations[bot]", 2), type: "Bot" },
  };
}

export function errorBody(status: number, message: string): Body {
  return { message, documentation_url: "https://docs.github.com/rest", status: String(status) };
}

export function validationBody(message: string, field?: string): Body {
  return { ...errorBody(422, "Validation Failed"), errors: [{ resource: "Status", code: "custom", message, ...(field === undefined ? {} : { field }) }] };
}
