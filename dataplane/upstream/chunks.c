/* chunks.py as machine code: the same module. What it takes is exactly what llhttp would read. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define MAX_DIGITS 7 /* 256 MB: no read is as long, and no sum of sizes overflows */

static int
value_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The chunk that begins at `at`: where its data are and how long; NULL: not whole, not plain, or
   the last one. */
static const char *
chunk(const char *at, const char *end, Py_ssize_t *size)
{
    Py_ssize_t told = 0;
    int digits = 0, value;

    while (at < end && (value = value_of((unsigned char)*at)) >= 0) {
        if (++digits > MAX_DIGITS)
            return NULL;
        told = told * 16 + value;
        at++;
    }
    if (told == 0 || end - at < told + 4 || at[0] != '\r' || at[1] != '\n')
        return NULL;
    at += 2;
    if (at[told] != '\r' || at[told + 1] != '\n')
        return NULL;
    *size = told;
    return at;
}

static PyObject *
whole_chunks(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyBytes_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "whole_chunks() takes bytes and an int");
        return NULL;
    }
    Py_ssize_t begin = PyLong_AsSsize_t(args[1]);
    if (begin == -1 && PyErr_Occurred())
        return NULL;
    if (begin < 0 || begin > PyBytes_GET_SIZE(args[0])) {
        PyErr_SetString(PyExc_ValueError, "`begin` is not in the data");
        return NULL;
    }
    const char *first = PyBytes_AS_STRING(args[0]);
    const char *end = first + PyBytes_GET_SIZE(args[0]), *at = first + begin, *data;
    Py_ssize_t size, all = 0;

    while ((data = chunk(at, end, &size)) != NULL) {
        all += size;
        at = data + size + 2;
    }
    Py_ssize_t taken = at - first;
    PyObject *body = PyBytes_FromStringAndSize(NULL, all);
    if (body == NULL)
        return NULL;
    char *into = PyBytes_AS_STRING(body);
    for (at = first + begin; at < first + taken; at = data + size + 2) {
        data = chunk(at, end, &size);
        memcpy(into, data, size);
        into += size;
    }
    return Py_BuildValue("Nn", body, taken);
}

static PyMethodDef functions[] = {
    {"whole_chunks", (PyCFunction)(void (*)(void))whole_chunks, METH_FASTCALL, "See chunks.py."},
    {NULL, NULL, 0, NULL},
};

static int
fill(PyObject *module)
{
    return PyModule_AddObjectRef(module, "FASTER", Py_True);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "chunks", .m_doc = "See chunks.py.", .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_chunks(void)
{
    return PyModuleDef_Init(&definition);
}
