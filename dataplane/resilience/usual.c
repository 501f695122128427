/* usual.py as machine code: the same module, the same answers. One memchr for each line. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define STARTS(at, end, words) \
    ((end) - (at) >= (Py_ssize_t)sizeof(words) - 1 && memcmp(at, words, sizeof(words) - 1) == 0)

static int
is_usual(const char *at, const char *end)
{
    static const char event[] = "event: ", opening[] = "data: {\"", last[] = "data: [DONE]\n\n";
    Py_ssize_t events = 0;

    while (at < end) {
        if (events && STARTS(at, end, last) && end - at == sizeof(last) - 1)
            return 1;
        if (STARTS(at, end, event)) {
            at += sizeof(event) - 1;
            at = memchr(at, '\n', end - at);
            if (at == NULL)
                return 0;
            at++;
        }
        if (!STARTS(at, end, opening))
            return 0;
        at += sizeof(opening) - 1;
        const char *line_end = memchr(at, '\n', end - at);
        if (line_end == NULL || line_end == at || line_end[-1] != '}')
            return 0;
        at = line_end + 1;
        if (at == end || *at != '\n')
            return 0;
        at++;
        events++;
    }
    return events > 0;
}

static PyObject *
looks_usual(PyObject *module, PyObject *body)
{
    if (!PyBytes_Check(body))
        return PyErr_Format(PyExc_TypeError, "bytes are looked at, not %s", Py_TYPE(body)->tp_name);
    const char *at = PyBytes_AS_STRING(body);
    return PyBool_FromLong(is_usual(at, at + PyBytes_GET_SIZE(body)));
}

static PyMethodDef functions[] = {
    {"looks_usual", looks_usual, METH_O, "See usual.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "usual", .m_doc = "See usual.py.", .m_methods = functions,
};

PyMODINIT_FUNC
PyInit_usual(void)
{
    return PyModuleDef_Init(&definition);
}
