// What people are called on this page: at the desk a customer goes by the name that the agents know, if any.

export const calledIn = ({ dataset }: HTMLElement, name: string): string =>
  name === dataset.customer ? dataset.customerName! : name;
