declare module "basecoat-css/*";
