/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/admin.h"

#include "gate/base/text.h"
#include "gate/daemon/reserve.h"
#include "gate/decide/agent.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/manage.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#define AGENTS_PATH "/v1/agents"

/* One call, from its arrival until the keeper has done the work. */
struct task {
    struct errand errand; /* stands at the front */
    struct admin *admin;
    struct http_call *call; /* NULL: it was answered already */
    const char *method;
    err_code (*work)(struct task *task, struct manage *m, struct why *why);
    int status; /* of the answer, if all goes well */
    bool any;   /* also of a gate that is not open: then m->gate is NULL */
    struct buf body;
    json_t *agent_json; /* of agent */
    struct record_agent agent;
    char *id;
    size_t id_len;
    json_t *json; /* the answer */
};

static void task_free(struct task **task)
{
    struct task *t = *task;

    if (t == NULL)
        return;
    buf_free(&t->body);
    json_decref(t->agent_json);
    json_decref(t->json);
    reserve_free(t->id); /* libevent made it */
    free(t);
    *task = NULL;
}

static struct slice id_of(const struct task *task)
{
    return (struct slice){(const uint8_t *)task->id, task->id_len};
}

/* ---- work, on the keeper's thread ------------------------------------------------------------ */

static err_code install(struct task *task, struct manage *m, struct why *why)
{
    return manage_install(m, &task->body, why);
}

static err_code enrol(struct task *task, struct manage *m, struct why *why)
{
    return manage_enrol(m, &task->agent, why);
}

static err_code remove_agent(struct task *task, struct manage *m, struct why *why)
{
    return manage_remove(m, id_of(task), task->agent.admin, why);
}

static err_code show_gate(struct task *task, struct manage *m, struct why *why)
{
    (void)task;
    return manage_status(m, why);
}

static err_code put_roster(json_t *json, const struct roster *roster)
{
    json_t *list = json_array();

    if (json_object_set_new(json, "agents", list) != 0)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < roster->n; i++)
        if (json_array_append_new(list, agent_json(roster->list[i])) != 0)
            return ERR_NO_MEMORY;
    return ERR_OK;
}

static err_code put_agent(json_t *json, const struct roster *roster, struct slice id,
                          struct why *why)
{
    const struct enrolled *found = roster_find(roster, id);
    json_t *told;
    int bad;

    if (found == NULL)
        return why_say(why, ERR_NOT_FOUND, "no agent \"%.*s\" is enrolled", TERM_ARG(id));
    told = agent_json(found);
    bad = json_object_update(json, told);
    json_decref(told);
    return bad == 0 ? ERR_OK : ERR_NO_MEMORY;
}

/* What the ledger says needs no hardware. */
static err_code show_agents(struct task *task, struct manage *m, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *own = NULL;
    const struct ledger *ledger = m->scribe != NULL ? scribe_ledger(m->scribe) : NULL;

    if (ledger == NULL) {
        TRY(gate_ledger_open(task->admin->state_dir, LEDGER_READ, &own, why));
        ledger = own;
    }
    return task->id == NULL ? put_roster(m->json, ledger_roster(ledger))
                            : put_agent(m->json, ledger_roster(ledger), id_of(task), why);
}

/* What came of opening the gate anew. */
static err_code show_reload(struct task *task, struct manage *m, struct why *why)
{
    err_code err = m->scribe != NULL ? ERR_OK : why->code;

    (void)task;
    (void)json_object_set_new(m->json, "serving", json_boolean(m->scribe != NULL));
    if (m->gate != NULL)
        (void)json_object_set_new(m->json, "epoch", json_integer((json_int_t)m->gate->epoch));
    if (err != ERR_OK) {
        (void)json_object_set_new(m->json, "reason", json_string(err_name(err)));
        (void)json_object_set_new(m->json, "why", json_string(why_text(why, err)));
    }
    *why = (struct why){0};
    return ERR_OK;
}

static err_code run(struct errand *errand, struct gate *gate, struct scribe *scribe,
                    struct why *why)
{
    struct task *task = (struct task *)errand;
    struct manage m = {.gate = gate, .scribe = scribe, .json = task->json};
    err_code err;

    if (gate == NULL && !task->any)
        return why->code != ERR_OK ? why->code : ERR_BUSY;
    if (!task->any)
        *why = (struct why){0};
    err = task->work(task, &m, why);
    errand->doubtful = m.doubtful;
    return err;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A body that was read and refused for what it says is no malformed request. */
static int status_of(err_code err)
{
    if (err == ERR_EXISTS || err == ERR_AGENT_PARENT)
        return 409;
    if (err_exit(err) >= err_exit(ERR_SIGNER_UNKNOWN) && err_exit(err) <= err_exit(ERR_ROLLBACK))
        return 422;
    return http_status(err);
}

static void refuse(struct http_call *call, err_code err, const struct why *why)
{
    http_refuse(call, status_of(err), err, why);
}

/* A refusal may tell more than its name: where it stands in the ledger. */
static void answer_refusal(struct task *task)
{
    const struct why *why = &task->errand.why;
    err_code err = task->errand.err;
    json_t *body = json_incref(task->json);
    json_t *message = json_string(why->code == err ? why_text(why, err) : err_text(err));

    (void)json_object_set_new(body, "error", json_string(err_name(err)));
    (void)json_object_set_new(body, "message",
                              message != NULL ? message : json_string(err_text(err)));
    if (why->code == err && why->foreign != NULL)
        (void)json_object_set_new(
            body, "foreign",
            json_pack("{s:s, s:I}", "kind", why->foreign, "code", (json_int_t)why->foreign_code));
    http_count_refusal(task->call, err);
    if (status_of(err) == 503)
        http_add_header(task->call, "Retry-After", "1");
    http_answer(task->call, status_of(err), body);
}

static void leave_place(struct task *task)
{
    struct admin *admin = task->admin;

    for (size_t i = 0; i < ADMIN_WAITING_MAX; i++)
        if (admin->tasks[i] == task)
            admin->tasks[i] = NULL;
    admin->waiting--;
}

static void take_place(struct task *task)
{
    struct admin *admin = task->admin;
    size_t free_at = 0;

    while (admin->tasks[free_at] != NULL)
        free_at++;
    admin->tasks[free_at] = task;
    admin->waiting++;
}

/* The task stays, since the keeper has it. */
void admin_leave(struct admin *admin, void (*tell)(const char *method, const char *path, uid_t uid))
{
    for (size_t i = 0; i < ADMIN_WAITING_MAX; i++) {
        struct task *task = admin->tasks[i];
        struct why why = {0};
        err_code err;

        if (task == NULL || task->call == NULL)
            continue;
        tell(task->method, http_path(task->call), http_caller(task->call)->uid);
        err = why_say(&why, ERR_DEADLINE,
                      "pawld ends, and its hardware or disk does not come back: whether this was "
                      "done shows once the gate is opened again");
        refuse(task->call, err, &why);
        task->call = NULL;
    }
}

static void done(struct errand *errand)
{
    struct task *task = (struct task *)errand;

    leave_place(task);
    if (task->call == NULL) {
        task_free(&task);
        return;
    }
    (void)json_object_set_new(task->json, "schema", json_string("pawl/1"));
    (void)json_object_set_new(task->json, "ok", json_boolean(errand->err == ERR_OK));
    if (errand->err == ERR_OK)
        http_answer(task->call, task->status, json_incref(task->json));
    else
        answer_refusal(task);
    task_free(&task);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static err_code task_new(struct admin *admin, struct http_call *call, struct task **ret)
{
    struct task *task = calloc(1, sizeof *task);

    if (task == NULL || (task->json = json_object()) == NULL) {
        free(task);
        return ERR_NO_MEMORY;
    }
    task->admin = admin;
    task->call = call;
    task->status = 200;
    task->method = "GET";
    task->agent.admin = http_caller(call)->uid;
    task->errand.run = run;
    task->errand.done = done;
    *ret = task;
    return ERR_OK;
}

static err_code send_task(struct task *task, struct why *why)
{
    struct admin *admin = task->admin;

    if (admin->waiting >= ADMIN_WAITING_MAX)
        return why_say(why, ERR_OVERLOADED, "%zu calls of administrators wait, the limit is %d",
                       admin->waiting, ADMIN_WAITING_MAX);
    if (admin->stopping || keeper_send(admin->keeper, &task->errand) != ERR_OK)
        return why_say(why, ERR_STOPPING, "nothing is begun any more");
    take_place(task);
    return ERR_OK;
}

/* The keeper has the task, or the caller the reason why not. */
static void begin(struct http_call *call, struct task *task, err_code err, struct why *why)
{
    if (err == ERR_OK)
        err = send_task(task, why);
    if (err == ERR_OK)
        return;
    refuse(call, err, why);
    task_free(&task);
}

static void post_install(struct http_call *call, void *ctx)
{
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(ctx, call, &task);

    if (err == ERR_OK) {
        task->method = "POST";
        task->work = install;
        err = buf_add_slice(&task->body, http_body(call));
    }
    begin(call, task, err, &why);
}

static err_code read_agent(struct http_call *call, struct task *task, struct why *why)
{
    struct slice body = http_body(call);
    json_error_t error;

    task->agent_json = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (task->agent_json == NULL)
        return why_say(why, ERR_JSON_MALFORMED, "line %d, column %d: %s", error.line, error.column,
                       error.text);
    return agent_from_json(task->agent_json, http_caller(call)->uid, &task->agent, why);
}

static void post_agent(struct http_call *call, void *ctx)
{
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(ctx, call, &task);

    if (err == ERR_OK) {
        task->method = "POST";
        task->work = enrol;
        task->status = 201;
        err = read_agent(call, task, &why);
    }
    begin(call, task, err, &why);
}

static err_code take_id(struct http_call *call, struct task *task)
{
    const char *text = http_path(call) + strlen(AGENTS_PATH "/");

    task->id = evhttp_uridecode(text, 0, &task->id_len);
    return task->id != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static void delete_agent(struct http_call *call, void *ctx)
{
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(ctx, call, &task);

    if (err == ERR_OK) {
        task->method = "DELETE";
        task->work = remove_agent;
        err = take_id(call, task);
    }
    begin(call, task, err, &why);
}

static void get_agents(struct http_call *call, void *ctx)
{
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(ctx, call, &task);

    if (err == ERR_OK) {
        task->work = show_agents;
        task->any = true;
        if (strcmp(http_path(call), AGENTS_PATH) != 0)
            err = take_id(call, task);
    }
    begin(call, task, err, &why);
}

static void get_gate(struct http_call *call, void *ctx)
{
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(ctx, call, &task);

    if (err == ERR_OK)
        task->work = show_gate;
    begin(call, task, err, &why);
}

/* Settings that cannot be read are no reason to give up those that are served. */
static void post_reload(struct http_call *call, void *ctx)
{
    CLEANUP(settings_free) struct settings settings = {0};
    struct admin *admin = ctx;
    struct task *task = NULL;
    struct why why = {0};
    err_code err = task_new(admin, call, &task);

    if (err == ERR_OK) {
        task->method = "POST";
        task->work = show_reload;
        task->any = true;
        task->errand.anew = true;
        err = settings_load(admin->state_dir, &settings, &why);
    }
    if (err == ERR_OK && admin->tls != NULL)
        err = tls_reload(admin->tls, &why);
    begin(call, task, err, &why);
}

err_code admin_serve(struct admin *admin, struct http *http)
{
    static const struct http_route ROUTES[] = {
        {"/v1/install", HTTP_POST, HTTP_ADMIN | HTTP_LARGE, NULL, post_install},
        {AGENTS_PATH, HTTP_GET, HTTP_ADMIN, NULL, get_agents},
        {AGENTS_PATH, HTTP_POST, HTTP_ADMIN, "application/json", post_agent},
        {AGENTS_PATH "/", HTTP_GET, HTTP_ADMIN, NULL, get_agents},
        {AGENTS_PATH "/", HTTP_DELETE, HTTP_ADMIN, NULL, delete_agent},
        {"/v1/gate", HTTP_GET, HTTP_ADMIN, NULL, get_gate},
        {"/v1/reload", HTTP_POST, HTTP_ADMIN, NULL, post_reload},
        {0},
    };

    return http_add(http, ROUTES, admin);
}
